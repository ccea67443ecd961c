#include "keratin/layers/activations/elu.h"

#include "keratin/core/model/config_reader.h"
#include "keratin/core/ops/activations.h"

namespace keratin {
namespace {

class ELULayer final : public LayerImpl {
 public:
  explicit ELULayer(const ELUOptions& options)
      : LayerImpl("ELU", options.name, options.trainable), alpha_(options.alpha) {}

  Config config() const override { return LayerImpl::config().set("alpha", alpha_); }

  bool supports_masking() const override { return true; }

  Value call(Value x, CallContext&) override { return ops::elu(x, alpha_); }

 private:
  double alpha_;
};

}  // namespace

ELU::ELU(const ELUOptions& options) : Layer(std::make_shared<ELULayer>(options)) {}

Layer ELU::from_config(ConfigReader& c) {
  return ELU({.alpha = c.number("alpha", 1.0), .name = c.name(), .trainable = c.trainable()});
}

}  // namespace keratin
