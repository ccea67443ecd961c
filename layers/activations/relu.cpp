#include "keratin/layers/activations/relu.h"

#include "keratin/core/graph/leaves.h"
#include "keratin/core/model/config_reader.h"
#include "keratin/core/ops/activations.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

void require_not_negative(const char* option, double value) {
  if (value >= 0) return;
  throw InvalidArgument("ReLU: " + std::string(option) + " must not be negative, got " + format_number(value));
}

class ReLULayer final : public LayerImpl {
 public:
  explicit ReLULayer(const ReLUOptions& options)
      : LayerImpl("ReLU", options.name, options.trainable), options_(options) {
    if (options_.max_value) require_not_negative("max_value", *options_.max_value);
    require_not_negative("negative_slope", options_.negative_slope);
    require_not_negative("threshold", options_.threshold);
  }

  Config config() const override {
    return LayerImpl::config()
        .set("max_value", options_.max_value)
        .set("negative_slope", options_.negative_slope)
        .set("threshold", options_.threshold);
  }

  bool supports_masking() const override { return true; }

  Value call(Value x, CallContext&) override {
    return ops::relu_general(op_support::to_floating(x), options_.negative_slope, options_.max_value.value_or(-1),
                             options_.threshold);
  }

 private:
  ReLUOptions options_;
};

}  // namespace

ReLU::ReLU(const ReLUOptions& options) : Layer(std::make_shared<ReLULayer>(options)) {}

Layer ReLU::from_config(ConfigReader& c) {
  return ReLU({.max_value = c.optional_number("max_value"),
               .negative_slope = c.number("negative_slope", 0.0),
               .threshold = c.number("threshold", 0.0),
               .name = c.name(),
               .trainable = c.trainable()});
}

}  // namespace keratin
