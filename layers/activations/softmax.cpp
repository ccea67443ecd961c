#include "keratin/layers/activations/softmax.h"

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/softmax.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

constexpr double kMasked = -1e9;  // Keras's: far below all scores

class SoftmaxLayer final : public LayerImpl {
 public:
  explicit SoftmaxLayer(const SoftmaxOptions& options)
      : LayerImpl("Softmax", options.name, options.trainable), axis_(options.axis) {}

  Config config() const override { return LayerImpl::config().set("axis", axis_.config()); }

  bool supports_masking() const override { return true; }

  Value call(Value x, CallContext& context) override {
    x = op_support::to_floating(x);
    const std::vector<int> axes = detail::resolve_axes(axis_, x.shape());
    const Value mask = context.mask();
    // What is masked gets no share; where everything is, the result is 0.
    if (mask) x = ops::where(mask, x, kMasked);
    const Value y = axes.size() == 1 ? ops::softmax(x, axes.front()) : ops::exp(x - ops::logsumexp(x, axes, true));
    return mask ? ops::where(mask, y, 0.0) : y;
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override { detail::resolve_axes(axis_, inputs[0]); }

 private:
  Axes axis_;
};

}  // namespace

Softmax::Softmax(const SoftmaxOptions& options) : Layer(std::make_shared<SoftmaxLayer>(options)) {}

Layer Softmax::from_config(ConfigReader& c) {
  return Softmax({.axis = detail::read_axes(c, "axis", -1), .name = c.name(), .trainable = c.trainable()});
}

}  // namespace keratin
