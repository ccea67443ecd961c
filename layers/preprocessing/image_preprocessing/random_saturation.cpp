#include "keratin/layers/preprocessing/image_preprocessing/random_saturation.h"

#include <algorithm>

#include "keratin/core/ops/color.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/layers/detail/random_image_layer.h"

namespace keratin {
namespace {

class RandomSaturationLayer final : public detail::RandomImageLayer {
 public:
  RandomSaturationLayer(const Factor& factor, const RandomColorOptions& options)
      : RandomImageLayer("RandomSaturation", options.seed, options.name, options.trainable),
        range_(detail::range_of("RandomSaturation", "factor", factor, -1, 1)),
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
    const Value f = draw(context, {x.shape()[0], 1, 1, 1}, range_, x.dtype());
    Values hsv = ops::split(ops::image::rgb_to_hsv(x), 3);
    hsv[1] = ops::clip(hsv[1] * (f / (1.0 - f + 1e-7)), values_[0], values_[1]);
    return ops::image::hsv_to_rgb(ops::concatenate(hsv));
  }

 private:
  detail::DrawRange range_;
  std::array<double, 2> values_;
};

}  // namespace

RandomSaturation::RandomSaturation(const Factor& factor, const RandomColorOptions& options)
    : Layer(std::make_shared<RandomSaturationLayer>(factor, options)) {}

Layer RandomSaturation::from_config(ConfigReader& c) {
  const Factor factor = detail::read_factor(c, "factor");
  return RandomSaturation(factor, detail::read_color_options(c));
}

}  // namespace keratin
