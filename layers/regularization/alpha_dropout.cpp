#include "keratin/layers/regularization/alpha_dropout.h"

#include <cmath>

#include "keratin/core/model/config_reader.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/random.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class AlphaDropoutLayer final : public LayerImpl {
 public:
  AlphaDropoutLayer(double rate, const AlphaDropoutOptions& options)
      : LayerImpl("AlphaDropout", options.name, options.trainable), rate_(rate), options_(options) {
    detail::require_rate_below_one("AlphaDropout", rate_);
  }

  Config config() const override {
    return LayerImpl::config()
        .set("rate", rate_)
        .set("seed", detail::seed_config(options_.seed))
        .set("noise_shape", options_.noise_shape.rank() > 0 ? ConfigValue(options_.noise_shape) : ConfigValue());
  }

  bool supports_masking() const override { return true; }

  Value call(Value x, CallContext& context) override {
    if (!context.training() || rate_ == 0) return x;
    x = op_support::to_floating(x);
    // SELU's limit for x -> -infinity: -scale·alpha.
    constexpr double kLimit = -1.0507009873554804934193349852946 * 1.6732632423543772848170429916717;
    const Shape shape =
        options_.noise_shape.rank() > 0 ? detail::fill_noise_shape(options_.noise_shape, x.shape()) : x.shape();
    const Value kept = ops::greater_equal(
        ops::random_uniform(context.random_step(), shape, context.random_stream(options_.seed)), rate_);
    // With x of mean 0 and variance 1, where(kept, x, limit) has the mean rate·limit and the variance
    // (1 - rate)·(1 + rate·limit²).
    const double scale = 1 / std::sqrt((1 - rate_) * (1 + rate_ * kLimit * kLimit));
    return ops::where(kept, x, kLimit) * scale + (-scale * kLimit * rate_);
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    if (options_.noise_shape.rank() > 0) detail::fill_noise_shape(options_.noise_shape, inputs[0]);
  }

 private:
  double rate_;
  AlphaDropoutOptions options_;
};

}  // namespace

AlphaDropout::AlphaDropout(double rate, const AlphaDropoutOptions& options)
    : Layer(std::make_shared<AlphaDropoutLayer>(rate, options)) {}

Layer AlphaDropout::from_config(ConfigReader& c) {
  const double rate = c.number("rate");
  const ConfigValue* noise = c.take("noise_shape");
  return AlphaDropout(rate, {.noise_shape = noise && !noise->is_null() ? c.shape("noise_shape") : Shape(),
                             .seed = c.seed(),
                             .name = c.name(),
                             .trainable = c.trainable()});
}

}  // namespace keratin
