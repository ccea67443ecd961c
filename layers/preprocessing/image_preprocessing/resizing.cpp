#include "keratin/layers/preprocessing/image_preprocessing/resizing.h"

#include "keratin/core/model/config_reader.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/image.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class ResizingLayer final : public LayerImpl {
 public:
  ResizingLayer(std::int64_t height, std::int64_t width, const ResizingOptions& options)
      : LayerImpl("Resizing", options.name, options.trainable),
        height_(height),
        width_(width),
        options_{.interpolation = options.interpolation,
                 .antialias = options.antialias,
                 .crop_to_aspect_ratio = options.crop_to_aspect_ratio,
                 .pad_to_aspect_ratio = options.pad_to_aspect_ratio,
                 .fill_value = options.fill_value} {
    detail::require_positive("Resizing", "height", height_);
    detail::require_positive("Resizing", "width", width_);
    ops::image::check_options("Resizing", options_);
    if (options.fill_mode != "constant") {
      throw InvalidArgument("Resizing: fill_mode must be 'constant', got '" + options.fill_mode + "'");
    }
  }

  // What the first releases of Keras 3 do not know is written when it says something.
  Config config() const override {
    Config config = LayerImpl::config();
    config.set("data_format", "channels_last")
        .set("height", height_)
        .set("width", width_)
        .set("interpolation", options_.interpolation)
        .set("crop_to_aspect_ratio", options_.crop_to_aspect_ratio);
    if (options_.pad_to_aspect_ratio) config.set("pad_to_aspect_ratio", true);
    if (options_.fill_value != 0) config.set("fill_value", options_.fill_value);
    if (options_.antialias) config.set("antialias", true);
    return config;
  }

  Value call(Value x, CallContext&) override {
    const Value y = ops::image::resize(x, height_, width_, options_);
    if (y.dtype() == x.dtype()) return y;
    // Bicubic and Lanczos interpolation overshoot.
    const Value whole = ops::round(y);
    return ops::cast(x.dtype() == DType::uint8 ? ops::clip(whole, 0, 255) : whole, x.dtype());
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    detail::require_rank(inputs[0], 4, "(n, h, w, c)");
  }

 private:
  std::int64_t height_, width_;
  ops::image::ResizeOptions options_;
};

}  // namespace

Resizing::Resizing(std::int64_t height, std::int64_t width, const ResizingOptions& options)
    : Layer(std::make_shared<ResizingLayer>(height, width, options)) {}

Layer Resizing::from_config(ConfigReader& c) {
  detail::expect_channels_last(c);
  const std::int64_t height = c.integer("height"), width = c.integer("width");
  return Resizing(height, width,
                  {.interpolation = c.text("interpolation", "bilinear"),
                   .crop_to_aspect_ratio = c.boolean("crop_to_aspect_ratio", false),
                   .pad_to_aspect_ratio = c.boolean("pad_to_aspect_ratio", false),
                   .fill_mode = c.text("fill_mode", "constant"),
                   .fill_value = c.number("fill_value", 0.0),
                   .antialias = c.boolean("antialias", false),
                   .name = c.name(),
                   .trainable = c.trainable()});
}

}  // namespace keratin
