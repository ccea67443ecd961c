#include "keratin/layers/preprocessing/image_preprocessing/random_translation.h"

#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/layers/detail/random_image_layer.h"

namespace keratin {
namespace {

class RandomTranslationLayer final : public detail::RandomAffineLayer {
 public:
  RandomTranslationLayer(const Factor& height, const Factor& width, const RandomAffineOptions& options)
      : RandomAffineLayer("RandomTranslation", options),
        height_(height),
        width_(width),
        height_range_(detail::range_of("RandomTranslation", "height_factor", height, -1, 1)),
        width_range_(detail::range_of("RandomTranslation", "width_factor", width, -1, 1)) {}

  Config config() const override {
    return LayerImpl::config()
        .set("data_format", "channels_last")
        .set("height_factor", height_.config())
        .set("width_factor", width_.config())
        .set("fill_mode", options().fill_mode)
        .set("interpolation", options().interpolation)
        .set("seed", seed_config())
        .set("fill_value", options().fill_value);
  }

 protected:
  Value augment(const Value& x, CallContext& context) override {
    const std::int64_t n = x.shape()[0], h = x.shape()[1], w = x.shape()[2];
    const Value down = draw(context, {n, 1, 1}, height_range_, x.dtype()) * static_cast<double>(h);
    const Value right = draw(context, {n, 1, 1}, width_range_, x.dtype()) * static_cast<double>(w);
    return ops::image::sample(x, ops::iota({1, h, 1}, 1, x.dtype()) - down, ops::iota({1, 1, w}, 2, x.dtype()) - right,
                              sampling());
  }

 private:
  Factor height_, width_;
  detail::DrawRange height_range_, width_range_;
};

}  // namespace

RandomTranslation::RandomTranslation(const Factor& height_factor, const Factor& width_factor,
                                     const RandomAffineOptions& options)
    : Layer(std::make_shared<RandomTranslationLayer>(height_factor, width_factor, options)) {}

Layer RandomTranslation::from_config(ConfigReader& c) {
  const Factor height = detail::read_factor(c, "height_factor"), width = detail::read_factor(c, "width_factor");
  return RandomTranslation(height, width, detail::read_affine_options(c));
}

}  // namespace keratin
