#include "keratin/layers/preprocessing/image_preprocessing/center_crop.h"

#include "keratin/core/model/config_reader.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/image.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class CenterCropLayer final : public LayerImpl {
 public:
  CenterCropLayer(std::int64_t height, std::int64_t width, const LayerOptions& options)
      : LayerImpl("CenterCrop", options.name, options.trainable), height_(height), width_(width) {
    detail::require_positive("CenterCrop", "height", height_);
    detail::require_positive("CenterCrop", "width", width_);
  }

  Config config() const override {
    return LayerImpl::config().set("data_format", "channels_last").set("height", height_).set("width", width_);
  }

  Value call(Value x, CallContext&) override {
    x = op_support::to_floating(x);
    const Shape& s = x.shape();
    if (s[1] < height_ || s[2] < width_) {
      return ops::image::resize(x, height_, width_, {.crop_to_aspect_ratio = true});
    }
    return ops::slice(x, {0, (s[1] - height_) / 2, (s[2] - width_) / 2, 0}, {s[0], height_, width_, s[3]});
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    detail::require_rank(inputs[0], 4, "(n, h, w, c)");
  }

 private:
  std::int64_t height_, width_;
};

}  // namespace

CenterCrop::CenterCrop(std::int64_t height, std::int64_t width, const LayerOptions& options)
    : Layer(std::make_shared<CenterCropLayer>(height, width, options)) {}

Layer CenterCrop::from_config(ConfigReader& c) {
  detail::expect_channels_last(c);
  const std::int64_t height = c.integer("height"), width = c.integer("width");
  return CenterCrop(height, width, detail::read_layer_options(c));
}

}  // namespace keratin
