#include "keratin/layers/reshaping/cropping2d.h"

#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class Cropping2DLayer final : public LayerImpl {
 public:
  Cropping2DLayer(Border2D border, const LayerOptions& options)
      : LayerImpl("Cropping2D", options.name, options.trainable), border_(border) {
    detail::require_not_negative("Cropping2D", "cropping", border_);
  }

  Config config() const override {
    return LayerImpl::config()
        .set("cropping", ConfigValue::List{border_.height, border_.width})
        .set("data_format", "channels_last");
  }

  Value call(Value x, CallContext&) override {
    return ops::slice(x, {0, border_.height[0], border_.width[0], 0},
                      {-1, x.shape()[1] - cut(border_.height), x.shape()[2] - cut(border_.width), -1});
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    detail::require_rank(input, 4, "(n, h, w, c)");
    if ((input[1] == kUnknown || input[1] > cut(border_.height)) &&
        (input[2] == kUnknown || input[2] > cut(border_.width))) {
      return;
    }
    throw InvalidArgument("cropping " + std::to_string(cut(border_.height)) + " rows and " +
                          std::to_string(cut(border_.width)) + " columns leaves nothing of an input of shape " +
                          input.to_string());
  }

 private:
  static std::int64_t cut(const std::array<std::int64_t, 2>& ends) { return ends[0] + ends[1]; }

  Border2D border_;
};

}  // namespace

Cropping2D::Cropping2D(Border2D cropping, const LayerOptions& options)
    : Layer(std::make_shared<Cropping2DLayer>(cropping, options)) {}

Layer Cropping2D::from_config(ConfigReader& c) {
  detail::expect_channels_last(c);
  const Border2D cropping = detail::read_border2d(c, "cropping", 0);
  return Cropping2D(cropping, detail::read_layer_options(c));
}

}  // namespace keratin
