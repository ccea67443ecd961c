#include "keratin/layers/preprocessing/rescaling.h"

#include "keratin/core/model/config_reader.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"

namespace keratin {
namespace {

class RescalingLayer final : public LayerImpl {
 public:
  RescalingLayer(double scale, const RescalingOptions& options)
      : LayerImpl("Rescaling", options.name, options.trainable), scale_(scale), offset_(options.offset) {}

  Config config() const override { return LayerImpl::config().set("scale", scale_).set("offset", offset_); }

  bool supports_masking() const override { return true; }

  Value call(Value x, CallContext&) override {
    const Value y = op_support::to_floating(x) * scale_;
    return offset_ == 0 ? y : y + offset_;
  }

 private:
  double scale_, offset_;
};

}  // namespace

Rescaling::Rescaling(double scale, const RescalingOptions& options)
    : Layer(std::make_shared<RescalingLayer>(scale, options)) {}

Layer Rescaling::from_config(ConfigReader& c) {
  const double scale = c.number("scale");
  return Rescaling(scale, {.offset = c.number("offset", 0.0), .name = c.name(), .trainable = c.trainable()});
}

}  // namespace keratin
