#include "keratin/layers/preprocessing/image_preprocessing/random_color_degeneration.h"

#include <algorithm>

#include "keratin/core/ops/color.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/layers/detail/random_image_layer.h"

namespace keratin {
namespace {

class RandomColorDegenerationLayer final : public detail::RandomImageLayer {
 public:
  RandomColorDegenerationLayer(const Factor& factor, const RandomColorOptions& options)
      : RandomImageLayer("RandomColorDegeneration", options.seed, options.name, options.trainable),
        range_(detail::range_of("RandomColorDegeneration", "factor", factor, -1, 1)),
        values_(options.value_range) {
    std::sort(values_.begin(), values_.end());
  }

  Config config() const override {
    return LayerImpl::config()
        .set("data_format", "channels_last")
        .set("factor", std::array<double, 2>{range_.lower, range_.upper})
        .set("value_range", values_)
        .set("seed", seed_config());
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    RandomImageLayer::check_inputs(inputs);
    detail::require_colors(inputs[0]);
  }

  Value augment(const Value& x, CallContext& context) override {
    const Value part = draw(context, {x.shape()[0], 1, 1, 1}, range_, x.dtype());
    return ops::clip(x + part * (ops::image::rgb_to_grayscale(x) - x), values_[0], values_[1]);
  }

 private:
  detail::DrawRange range_;
  std::array<double, 2> values_;
};

}  // namespace

RandomColorDegeneration::RandomColorDegeneration(const Factor& factor, const RandomColorOptions& options)
    : Layer(std::make_shared<RandomColorDegenerationLayer>(factor, options)) {}

Layer RandomColorDegeneration::from_config(ConfigReader& c) {
  const Factor factor = detail::read_factor(c, "factor");
  return RandomColorDegeneration(factor, detail::read_color_options(c));
}

}  // namespace keratin
