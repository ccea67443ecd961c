#include "keratin/layers/preprocessing/image_preprocessing/random_shear.h"

#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/layers/detail/random_image_layer.h"

namespace keratin {
namespace {

detail::DrawRange shear_range(const char* option, const Factor& factor) {
  const detail::DrawRange range = detail::range_of("RandomShear", option, factor, 0, 1);
  return factor.is_one_number() ? detail::DrawRange{-range.upper, range.upper} : range;
}

class RandomShearLayer final : public detail::RandomAffineLayer {
 public:
  explicit RandomShearLayer(const RandomShearOptions& options)
      : RandomAffineLayer("RandomShear", {.fill_mode = options.fill_mode,
                                          .interpolation = options.interpolation,
                                          .fill_value = options.fill_value,
                                          .seed = options.seed,
                                          .name = options.name,
                                          .trainable = options.trainable}),
        x_(options.x_factor),
        y_(options.y_factor),
        x_range_(shear_range("x_factor", x_)),
        y_range_(shear_range("y_factor", y_)) {}

  // Of one number Keras writes the range it stands for, which it then refuses to read.
  Config config() const override {
    return LayerImpl::config()
        .set("data_format", "channels_last")
        .set("x_factor", x_.config())
        .set("y_factor", y_.config())
        .set("fill_mode", options().fill_mode)
        .set("interpolation", options().interpolation)
        .set("seed", seed_config())
        .set("fill_value", options().fill_value);
  }

 protected:
  Value augment(const Value& x, CallContext& context) override {
    const Shape each = {x.shape()[0], 1};
    const Value backwards = ops::greater(draw(context, each, {0, 1}, x.dtype()), 0.5);
    const Value y_shear = draw(context, each, y_range_, x.dtype()), x_shear = draw(context, each, x_range_, x.dtype());
    const Value zero = ops::zeros_like(x_shear), one = ops::ones_like(x_shear);
    const Values transform = {
        one, ops::where(backwards, -x_shear, x_shear), zero, ops::where(backwards, -y_shear, y_shear), one, zero};
    return ops::image::affine_transform(x, ops::concatenate(transform, 1), sampling());
  }

 private:
  Factor x_, y_;
  detail::DrawRange x_range_, y_range_;
};

// A range around 0 is what Keras makes of one number.
Factor read_shear(ConfigReader& c, const char* key) {
  if (!c.config().find(key)) return 0.0;
  const Factor factor = detail::read_factor(c, key);
  return factor.lower() < 0 && factor.lower() == -factor.upper() ? Factor(factor.upper()) : factor;
}

}  // namespace

RandomShear::RandomShear(const RandomShearOptions& options) : Layer(std::make_shared<RandomShearLayer>(options)) {}

Layer RandomShear::from_config(ConfigReader& c) {
  const Factor x = read_shear(c, "x_factor"), y = read_shear(c, "y_factor");
  const RandomAffineOptions common = detail::read_affine_options(c);
  return RandomShear({.x_factor = x,
                      .y_factor = y,
                      .interpolation = common.interpolation,
                      .fill_mode = common.fill_mode,
                      .fill_value = common.fill_value,
                      .seed = common.seed,
                      .name = common.name,
                      .trainable = common.trainable});
}

}  // namespace keratin
