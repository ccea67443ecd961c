#include "keratin/layers/preprocessing/image_preprocessing/random_contrast.h"

#include <limits>

#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/layers/detail/random_image_layer.h"

namespace keratin {
namespace {

class RandomContrastLayer final : public detail::RandomImageLayer {
 public:
  RandomContrastLayer(const Factor& factor, const RandomColorOptions& options)
      : RandomImageLayer("RandomContrast", options.seed, options.name, options.trainable),
        range_(detail::range_of("RandomContrast", "factor", factor, 0,
                                factor.is_one_number() ? 1 : std::numeric_limits<double>::infinity())),
        values_(options.value_range) {}

  // The first releases of Keras 3 know no value_range.
  Config config() const override {
    Config config = LayerImpl::config();
    config.set("factor", std::array<double, 2>{range_.lower, range_.upper});
    if (values_ != RandomColorOptions().value_range) config.set("value_range", values_);
    return config.set("seed", seed_config());
  }

 protected:
  Value augment(const Value& x, CallContext& context) override {
    const Value contrast = draw(context, {x.shape()[0], 1, 1, 1}, {1 - range_.lower, 1 + range_.upper}, x.dtype());
    const Value mean = ops::mean(x, {1, 2}, true);
    return ops::clip((x - mean) * contrast + mean, values_[0], values_[1]);
  }

 private:
  detail::DrawRange range_;
  std::array<double, 2> values_;
};

}  // namespace

RandomContrast::RandomContrast(const Factor& factor, const RandomColorOptions& options)
    : Layer(std::make_shared<RandomContrastLayer>(factor, options)) {}

Layer RandomContrast::from_config(ConfigReader& c) {
  const Factor factor = detail::read_factor(c, "factor");
  return RandomContrast(factor, detail::read_color_options(c));
}

}  // namespace keratin
