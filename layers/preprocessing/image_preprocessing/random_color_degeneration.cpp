#include "keratin/layers/preprocessing/image_preprocessing/random_color_degeneration.h"

#include "keratin/core/ops/color.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/layers/detail/random_image_layer.h"

namespace keratin {
namespace {

class RandomColorDegenerationLayer final : public detail::RandomColorLayer {
 public:
  RandomColorDegenerationLayer(const Factor& factor, const RandomColorOptions& options)
      : RandomColorLayer("RandomColorDegeneration", factor, -1, detail::in_order(options)) {}

 protected:
  Value augment(const Value& x, CallContext& context) override {
    const Value part = draw_part(context, x);
    return ops::clip(x + part * (ops::image::rgb_to_grayscale(x) - x), values()[0], values()[1]);
  }
};

}  // namespace

RandomColorDegeneration::RandomColorDegeneration(const Factor& factor, const RandomColorOptions& options)
    : Layer(std::make_shared<RandomColorDegenerationLayer>(factor, options)) {}

Layer RandomColorDegeneration::from_config(ConfigReader& c) {
  const Factor factor = detail::read_factor(c, "factor");
  return RandomColorDegeneration(factor, detail::read_color_options(c));
}

}  // namespace keratin
