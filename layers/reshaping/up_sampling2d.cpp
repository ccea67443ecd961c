#include "keratin/layers/reshaping/up_sampling2d.h"

#include "keratin/core/ops/image.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/border_layer.h"
#include "keratin/layers/detail/config_support.h"

namespace keratin {
namespace {

class UpSampling2DLayer final : public LayerImpl {
 public:
  UpSampling2DLayer(Size2D size, const UpSampling2DOptions& options)
      : LayerImpl("UpSampling2D", options.name, options.trainable), size_(size), interpolation_(options.interpolation) {
    detail::require_positive("UpSampling2D", "size", detail::sizes_of(size_));
    if (interpolation_ != "nearest" && interpolation_ != "bilinear") {
      throw InvalidArgument("UpSampling2D: interpolation must be 'nearest' or 'bilinear', got '" + interpolation_ +
                            "'" + did_you_mean(interpolation_, {"nearest", "bilinear"}));
    }
  }

  Config config() const override {
    return LayerImpl::config()
        .set("size", size_.array())
        .set("data_format", "channels_last")
        .set("interpolation", interpolation_);
  }

  Value call(Value x, CallContext&) override {
    if (interpolation_ == "nearest") return detail::repeat_elements(x, detail::sizes_of(size_));
    return ops::image::resize(x, x.shape()[1] * size_.height, x.shape()[2] * size_.width);
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    detail::require_rank(inputs[0], 4, "(n, h, w, c)");
  }

 private:
  Size2D size_;
  std::string interpolation_;
};

}  // namespace

UpSampling2D::UpSampling2D(Size2D size, const UpSampling2DOptions& options)
    : Layer(std::make_shared<UpSampling2DLayer>(size, options)) {}

Layer UpSampling2D::from_config(ConfigReader& c) {
  detail::expect_channels_last(c);
  const Size2D size = detail::read_size2d(c, "size", 2);
  return UpSampling2D(
      size, {.interpolation = c.text("interpolation", "nearest"), .name = c.name(), .trainable = c.trainable()});
}

}  // namespace keratin
