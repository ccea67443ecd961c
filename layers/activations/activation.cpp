#include "keratin/layers/activations/activation.h"

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/layers/detail/config_support.h"

namespace keratin {
namespace {

class ActivationLayer final : public LayerImpl {
 public:
  ActivationLayer(ActivationFunction activation, const LayerOptions& options)
      : LayerImpl("Activation", options.name, options.trainable), activation_(std::move(activation)) {}

  Config config() const override { return LayerImpl::config().set("activation", activation_.name()); }

  bool supports_masking() const override { return true; }

  Value call(Value x, CallContext&) override { return activation_(op_support::to_floating(x)); }

 private:
  ActivationFunction activation_;
};

}  // namespace

Activation::Activation(ActivationFunction activation, const LayerOptions& options)
    : Layer(std::make_shared<ActivationLayer>(std::move(activation), options)) {}

Layer Activation::from_config(ConfigReader& c) {
  const ActivationFunction activation = c.activation("activation");
  return Activation(activation, detail::read_layer_options(c));
}

}  // namespace keratin
