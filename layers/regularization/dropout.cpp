#include "keratin/layers/regularization/dropout.h"

#include "keratin/core/graph/leaves.h"
#include "keratin/core/model/config_reader.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/random.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class DropoutLayer final : public LayerImpl {
 public:
  DropoutLayer(double rate, const DropoutOptions& options)
      : LayerImpl("Dropout", options.name, options.trainable),
        rate_(rate),
        noise_shape_(options.noise_shape),
        seed_(options.seed) {
    if (!(rate >= 0 && rate <= 1)) {
      throw InvalidArgument("Dropout: rate must lie between 0 and 1, got " + format_number(rate));
    }
  }

  Config config() const override {
    return LayerImpl::config()
        .set("rate", rate_)
        .set("seed", detail::seed_config(seed_))
        .set("noise_shape", noise_shape_.rank() > 0 ? ConfigValue(noise_shape_) : ConfigValue());
  }

  bool supports_masking() const override { return true; }

  Value call(Value x, CallContext& context) override {
    if (!context.training() || rate_ == 0) return x;
    x = op_support::to_floating(x);
    const auto dropped = [&](const Value& values) {
      return ops::dropout(values, context.random_step(), rate_, context.random_stream(seed_));
    };
    if (noise_shape_.rank() == 0) return dropped(x);
    const Value ones = constant(Tensor::full(detail::fill_noise_shape(noise_shape_, x.shape()), 1, x.dtype()));
    return x * dropped(ones);
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    if (noise_shape_.rank() > 0) detail::fill_noise_shape(noise_shape_, inputs[0]);
  }

 private:
  double rate_;
  Shape noise_shape_;
  std::optional<std::uint64_t> seed_;
};

}  // namespace

Dropout::Dropout(double rate, const DropoutOptions& options) : Layer(std::make_shared<DropoutLayer>(rate, options)) {}

Layer Dropout::from_config(ConfigReader& c) {
  const double rate = c.number("rate");
  const ConfigValue* noise = c.take("noise_shape");
  return Dropout(rate, {.noise_shape = noise && !noise->is_null() ? c.shape("noise_shape") : Shape(),
                        .seed = c.seed(),
                        .name = c.name(),
                        .trainable = c.trainable()});
}

}  // namespace keratin
