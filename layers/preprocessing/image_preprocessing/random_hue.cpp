#include "keratin/layers/preprocessing/image_preprocessing/random_hue.h"

#include "keratin/core/ops/color.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/layers/detail/random_image_layer.h"

namespace keratin {
namespace {

class RandomHueLayer final : public detail::RandomColorLayer {
 public:
  RandomHueLayer(const Factor& factor, const RandomColorOptions& options)
      : RandomColorLayer("RandomHue", factor, 0, options) {}

 protected:
  Value augment(const Value& x, CallContext& context) override {
    const Value backwards = ops::greater(draw(context, {x.shape()[0], 1, 1, 1}, {0, 1}, x.dtype()), 0.5);
    const Value f = draw_part(context, x) * 0.5;
    Values hsv = ops::split(ops::image::rgb_to_hsv(detail::rescaled(x, values(), {0, 1})), 3);
    hsv[0] = hsv[0] + ops::where(backwards, -f, f);  // the op goes around
    const Value rgb = ops::clip(ops::image::hsv_to_rgb(ops::concatenate(hsv)), 0, 1);
    return detail::rescaled(rgb, {0, 1}, values());
  }
};

}  // namespace

RandomHue::RandomHue(const Factor& factor, const RandomColorOptions& options)
    : Layer(std::make_shared<RandomHueLayer>(factor, options)) {}

Layer RandomHue::from_config(ConfigReader& c) {
  const Factor factor = detail::read_factor(c, "factor");
  return RandomHue(factor, detail::read_color_options(c));
}

}  // namespace keratin
