#include "keratin/layers/preprocessing/image_preprocessing/random_saturation.h"

#include "keratin/core/ops/color.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/layers/detail/random_image_layer.h"

namespace keratin {
namespace {

class RandomSaturationLayer final : public detail::RandomColorLayer {
 public:
  RandomSaturationLayer(const Factor& factor, const RandomColorOptions& options)
      : RandomColorLayer("RandomSaturation", factor, -1, detail::in_order(options)) {}

 protected:
  Value augment(const Value& x, CallContext& context) override {
    const Value f = draw_part(context, x);
    Values hsv = ops::split(ops::image::rgb_to_hsv(x), 3);
    hsv[1] = ops::clip(hsv[1] * (f / (1.0 - f + 1e-7)), values()[0], values()[1]);
    return ops::image::hsv_to_rgb(ops::concatenate(hsv));
  }
};

}  // namespace

RandomSaturation::RandomSaturation(const Factor& factor, const RandomColorOptions& options)
    : Layer(std::make_shared<RandomSaturationLayer>(factor, options)) {}

Layer RandomSaturation::from_config(ConfigReader& c) {
  const Factor factor = detail::read_factor(c, "factor");
  return RandomSaturation(factor, detail::read_color_options(c));
}

}  // namespace keratin
