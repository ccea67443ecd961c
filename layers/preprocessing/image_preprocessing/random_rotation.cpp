#include "keratin/layers/preprocessing/image_preprocessing/random_rotation.h"

#include <numbers>

#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/layers/detail/random_image_layer.h"

namespace keratin {
namespace {

class RandomRotationLayer final : public detail::RandomAffineLayer {
 public:
  RandomRotationLayer(const Factor& factor, const RandomAffineOptions& options)
      : RandomAffineLayer("RandomRotation", options),
        range_(detail::range_of("RandomRotation", "factor", factor, -1, 1)) {}

  Config config() const override {
    return LayerImpl::config()
        .set("data_format", "channels_last")
        .set("factor", std::array<double, 2>{range_.lower, range_.upper})
        .set("fill_mode", options().fill_mode)
        .set("fill_value", options().fill_value)
        .set("interpolation", options().interpolation)
        .set("seed", seed_config());
  }

 protected:
  // A rotation about the centre (cx, cy): x' = cos·x - sin·y + cx - cos·cx + sin·cy, y' = sin·x + cos·y + ...
  Value augment(const Value& x, CallContext& context) override {
    const Value angle = draw(context, {x.shape()[0], 1}, range_, x.dtype()) * (2 * std::numbers::pi);
    const Value cos = ops::cos(angle), sin = ops::sin(angle);
    const double cx = static_cast<double>(x.shape()[2] - 1) / 2, cy = static_cast<double>(x.shape()[1] - 1) / 2;
    const Values transform = {cos, -sin, cx - cos * cx + sin * cy, sin, cos, cy - sin * cx - cos * cy};
    return ops::image::affine_transform(x, ops::concatenate(transform, 1), sampling());
  }

 private:
  detail::DrawRange range_;
};

}  // namespace

RandomRotation::RandomRotation(const Factor& factor, const RandomAffineOptions& options)
    : Layer(std::make_shared<RandomRotationLayer>(factor, options)) {}

Layer RandomRotation::from_config(ConfigReader& c) {
  const Factor factor = detail::read_factor(c, "factor");
  return RandomRotation(factor, detail::read_affine_options(c));
}

}  // namespace keratin
