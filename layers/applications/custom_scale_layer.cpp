#include "keratin/layers/applications/custom_scale_layer.h"

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class CustomScaleLayerImpl final : public LayerImpl {
 public:
  CustomScaleLayerImpl(double scale, const LayerOptions& options)
      : LayerImpl("CustomScaleLayer", options.name, options.trainable), scale_(scale) {}

  Config config() const override {
    return detail::of_module("keras.src.applications.inception_resnet_v2", LayerImpl::config()).set("scale", scale_);
  }

  Values call(std::span<const Value> inputs, CallContext&) override {
    return {op_support::to_floating(inputs[0]) + op_support::to_floating(inputs[1]) * scale_};
  }

 protected:
  int input_count() const override { return 2; }

 private:
  double scale_;
};

}  // namespace

CustomScaleLayer::CustomScaleLayer(double scale, const LayerOptions& options)
    : Layer(std::make_shared<CustomScaleLayerImpl>(scale, options)) {}

Layer CustomScaleLayer::from_config(ConfigReader& c) {
  const double scale = c.number("scale");
  return CustomScaleLayer(scale, detail::read_layer_options(c));
}

}  // namespace keratin
