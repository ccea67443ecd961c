#include "keratin/layers/preprocessing/image_preprocessing/random_invert.h"

#include "keratin/core/ops/elementwise.h"
#include "keratin/layers/detail/random_image_layer.h"

namespace keratin {
namespace {

class RandomInvertLayer final : public detail::RandomImageLayer {
 public:
  RandomInvertLayer(const Factor& factor, const RandomColorOptions& options)
      : RandomImageLayer("RandomInvert", options.seed, options.name, options.trainable),
        range_(detail::range_of("RandomInvert", "factor", factor, 0, 1)),
        values_(options.value_range) {}

  Config config() const override {
    return LayerImpl::config()
        .set("data_format", "channels_last")
        .set("factor", std::array<double, 2>{range_.lower, range_.upper})
        .set("value_range", values_)
        .set("seed", seed_config());
  }

 protected:
  Value augment(const Value& x, CallContext& context) override {
    const Shape each = {x.shape()[0], 1, 1, 1};
    const Value probability = draw(context, each, range_, x.dtype());
    const Value chosen = ops::less(draw(context, each, {0, 1}, x.dtype()), probability);
    return ops::where(chosen, values_[1] - x, x);
  }

 private:
  detail::DrawRange range_;
  std::array<double, 2> values_;
};

}  // namespace

RandomInvert::RandomInvert(const Factor& factor, const RandomColorOptions& options)
    : Layer(std::make_shared<RandomInvertLayer>(factor, options)) {}

Layer RandomInvert::from_config(ConfigReader& c) {
  const Factor factor = c.config().find("factor") ? detail::read_factor(c, "factor") : Factor(1.0);
  return RandomInvert(factor, detail::read_color_options(c));
}

}  // namespace keratin
