#include "keratin/layers/preprocessing/image_preprocessing/random_hue.h"

#include "keratin/core/ops/color.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/layers/detail/random_image_layer.h"

namespace keratin {
namespace {

class RandomHueLayer final : public detail::RandomImageLayer {
 public:
  RandomHueLayer(const Factor& factor, const RandomColorOptions& options)
      : RandomImageLayer("RandomHue", options.seed, options.name, options.trainable),
        range_(detail::range_of("RandomHue", "factor", factor, 0, 1)),
        values_(options.value_range) {}

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
    const Shape each = {x.shape()[0], 1, 1, 1};
    const Value backwards = ops::greater(draw(context, each, {0, 1}, x.dtype()), 0.5);
    const Value f = draw(context, each, range_, x.dtype()) * 0.5;
    Values hsv = ops::split(ops::image::rgb_to_hsv(detail::rescaled(x, values_, {0, 1})), 3);
    hsv[0] = hsv[0] + ops::where(backwards, -f, f);  // the op goes around
    const Value rgb = ops::clip(ops::image::hsv_to_rgb(ops::concatenate(hsv)), 0, 1);
    return detail::rescaled(rgb, {0, 1}, values_);
  }

 private:
  detail::DrawRange range_;
  std::array<double, 2> values_;
};

}  // namespace

RandomHue::RandomHue(const Factor& factor, const RandomColorOptions& options)
    : Layer(std::make_shared<RandomHueLayer>(factor, options)) {}

Layer RandomHue::from_config(ConfigReader& c) {
  const Factor factor = detail::read_factor(c, "factor");
  return RandomHue(factor, detail::read_color_options(c));
}

}  // namespace keratin
