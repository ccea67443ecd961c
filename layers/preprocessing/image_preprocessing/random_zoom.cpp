#include "keratin/layers/preprocessing/image_preprocessing/random_zoom.h"

#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/random_image_layer.h"

namespace keratin {
namespace {

// -1 would show nothing at all; the range that 1 stands for may begin there, as in Keras.
detail::DrawRange zoom_range(const char* option, const Factor& factor) {
  if (factor.lower() != -1 && factor.upper() != -1) return detail::range_of("RandomZoom", option, factor, -1, 1);
  throw InvalidArgument(std::string("RandomZoom: ") + option + " must be more than -1, which would show nothing");
}

class RandomZoomLayer final : public detail::RandomAffineLayer {
 public:
  RandomZoomLayer(const Factor& height, const RandomZoomOptions& options)
      : RandomAffineLayer("RandomZoom", {.fill_mode = options.fill_mode,
                                         .interpolation = options.interpolation,
                                         .fill_value = options.fill_value,
                                         .seed = options.seed,
                                         .name = options.name,
                                         .trainable = options.trainable}),
        height_(height),
        width_(options.width_factor),
        height_range_(zoom_range("height_factor", height)) {
    if (width_) width_range_ = zoom_range("width_factor", *width_);
  }

  Config config() const override {
    return LayerImpl::config()
        .set("data_format", "channels_last")
        .set("height_factor", height_.config())
        .set("width_factor", width_ ? width_->config() : ConfigValue())
        .set("fill_mode", options().fill_mode)
        .set("interpolation", options().interpolation)
        .set("seed", seed_config())
        .set("fill_value", options().fill_value);
  }

 protected:
  Value augment(const Value& x, CallContext& context) override {
    const std::int64_t n = x.shape()[0], h = x.shape()[1], w = x.shape()[2];
    const Value down = draw(context, {n, 1, 1}, height_range_, x.dtype()) + 1.0;
    const Value across = width_ ? draw(context, {n, 1, 1}, width_range_, x.dtype()) + 1.0 : down;
    return ops::image::sample(x, zoomed(ops::iota({1, h, 1}, 1, x.dtype()), h, down),
                              zoomed(ops::iota({1, 1, w}, 2, x.dtype()), w, across), sampling());
  }

 private:
  // The centre stays.
  static Value zoomed(const Value& place, std::int64_t size, const Value& zoom) {
    return place * zoom + (1.0 - zoom) * (static_cast<double>(size - 1) / 2);
  }

  Factor height_;
  std::optional<Factor> width_;
  detail::DrawRange height_range_, width_range_;
};

}  // namespace

RandomZoom::RandomZoom(const Factor& height_factor, const RandomZoomOptions& options)
    : Layer(std::make_shared<RandomZoomLayer>(height_factor, options)) {}

Layer RandomZoom::from_config(ConfigReader& c) {
  const Factor height = detail::read_factor(c, "height_factor");
  const std::optional<Factor> width = detail::read_optional_factor(c, "width_factor");
  const RandomAffineOptions common = detail::read_affine_options(c);
  return RandomZoom(height, {.width_factor = width,
                             .fill_mode = common.fill_mode,
                             .interpolation = common.interpolation,
                             .fill_value = common.fill_value,
                             .seed = common.seed,
                             .name = common.name,
                             .trainable = common.trainable});
}

}  // namespace keratin
