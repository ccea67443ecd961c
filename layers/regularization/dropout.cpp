#include "keratin/layers/regularization/dropout.h"

#include "keratin/core/graph/leaves.h"
#include "keratin/core/model/config_reader.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/random.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class DropoutLayer final : public LayerImpl {
 public:
  DropoutLayer(double rate, const DropoutOptions& options)
      : LayerImpl("Dropout", options.name, options.trainable), rate_(rate), seed_(options.seed) {
    if (!(rate >= 0 && rate < 1)) {
      throw InvalidArgument("Dropout: rate must be at least 0 and below 1, got " + format_number(rate));
    }
  }

  Config config() const override {
    return LayerImpl::config().set("rate", rate_).set("seed", detail::seed_config(seed_)).set("noise_shape", {});
  }

  Value call(Value x, CallContext& context) override {
    if (!context.training() || rate_ == 0) return x;
    return ops::dropout(op_support::to_floating(x), context.random_step(), rate_, context.random_stream(seed_));
  }

 private:
  double rate_;
  std::optional<std::uint64_t> seed_;
};

}  // namespace

Dropout::Dropout(double rate, const DropoutOptions& options) : Layer(std::make_shared<DropoutLayer>(rate, options)) {}

Layer Dropout::from_config(ConfigReader& c) {
  const double rate = c.number("rate");
  return Dropout(rate, {.name = c.name(), .trainable = c.trainable(), .seed = c.seed()});
}

}  // namespace keratin
