#include "keratin/layers/reshaping/zero_padding2d.h"

#include "keratin/core/ops/shaping.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class ZeroPadding2DLayer final : public LayerImpl {
 public:
  ZeroPadding2DLayer(Border2D border, const LayerOptions& options)
      : LayerImpl("ZeroPadding2D", options.name, options.trainable), border_(border) {
    detail::require_not_negative("ZeroPadding2D", "padding", border_);
  }

  Config config() const override {
    return LayerImpl::config()
        .set("padding", ConfigValue::List{border_.height, border_.width})
        .set("data_format", "channels_last");
  }

  Value call(Value x, CallContext&) override {
    return ops::pad(x, {0, border_.height[0], border_.width[0], 0}, {0, border_.height[1], border_.width[1], 0});
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    detail::require_rank(inputs[0], 4, "(n, h, w, c)");
  }

 private:
  Border2D border_;
};

}  // namespace

ZeroPadding2D::ZeroPadding2D(Border2D padding, const LayerOptions& options)
    : Layer(std::make_shared<ZeroPadding2DLayer>(padding, options)) {}

Layer ZeroPadding2D::from_config(ConfigReader& c) {
  detail::expect_channels_last(c);
  const Border2D padding = detail::read_border2d(c, "padding", 1);
  return ZeroPadding2D(padding, detail::read_layer_options(c));
}

}  // namespace keratin
