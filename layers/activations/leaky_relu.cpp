#include "keratin/layers/activations/leaky_relu.h"

#include "keratin/core/graph/leaves.h"
#include "keratin/core/model/config_reader.h"
#include "keratin/core/ops/activations.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

class LeakyReLULayer final : public LayerImpl {
 public:
  explicit LeakyReLULayer(const LeakyReLUOptions& options)
      : LayerImpl("LeakyReLU", options.name, options.trainable), slope_(options.negative_slope) {
    if (!(slope_ >= 0)) {
      throw InvalidArgument("LeakyReLU: negative_slope must not be negative, got " + format_number(slope_));
    }
  }

  Config config() const override { return LayerImpl::config().set("negative_slope", slope_); }

  bool supports_masking() const override { return true; }

  Value call(Value x, CallContext&) override { return ops::leaky_relu(x, slope_); }

 private:
  double slope_;
};

}  // namespace

LeakyReLU::LeakyReLU(const LeakyReLUOptions& options) : Layer(std::make_shared<LeakyReLULayer>(options)) {}

Layer LeakyReLU::from_config(ConfigReader& c) {
  // Keras 2 calls the slope alpha.
  const bool keras_2 = c.config().find("alpha") != nullptr;
  return LeakyReLU({.negative_slope = c.number(keras_2 ? "alpha" : "negative_slope", 0.3),
                    .name = c.name(),
                    .trainable = c.trainable()});
}

}  // namespace keratin
