#include "keratin/layers/applications/stochastic_depth.h"

#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/random.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class StochasticDepthLayer final : public LayerImpl {
 public:
  StochasticDepthLayer(double rate, const LayerOptions& options)
      : LayerImpl("StochasticDepth", options.name, options.trainable), rate_(rate) {
    detail::require_rate("StochasticDepth", "drop_path_rate", rate);
  }

  Config config() const override {
    return detail::of_module("keras.src.applications.convnext", LayerImpl::config()).set("drop_path_rate", rate_);
  }

  Value call(Value x, CallContext& context) override {
    if (!context.training() || rate_ == 0) return x;
    x = op_support::to_floating(x);
    Shape shape = x.shape();
    for (int axis = 1; axis < shape.rank(); ++axis) shape[axis] = 1;
    const Value ones = constant(Tensor::full(shape, 1, x.dtype()));
    return x * ops::dropout(ones, context.random_step(), rate_, context.random_stream({}));
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    detail::require_rank_from(inputs[0], 1, "(n, ...)");
  }

 private:
  double rate_;
};

}  // namespace

StochasticDepth::StochasticDepth(double drop_path_rate, const LayerOptions& options)
    : Layer(std::make_shared<StochasticDepthLayer>(drop_path_rate, options)) {}

Layer StochasticDepth::from_config(ConfigReader& c) {
  const double rate = c.number("drop_path_rate");
  return StochasticDepth(rate, detail::read_layer_options(c));
}

}  // namespace keratin
