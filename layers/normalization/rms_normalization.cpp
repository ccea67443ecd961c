#include "keratin/layers/normalization/rms_normalization.h"

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class RMSNormalizationLayer final : public LayerImpl {
 public:
  explicit RMSNormalizationLayer(const RMSNormalizationOptions& options)
      : LayerImpl("RMSNormalization", options.name, options.trainable), options_(options) {
    detail::require_epsilon("RMSNormalization", options_.epsilon);
  }

  Config config() const override {
    return LayerImpl::config().set("axis", options_.axis.config()).set("epsilon", options_.epsilon);
  }

  Value call(Value x, CallContext&) override {
    x = op_support::to_floating(x);
    const std::vector<int> axes = detail::resolve_axes(options_.axis, x.shape());
    const Value root = ops::rsqrt(ops::mean(ops::square(x), axes, true) + options_.epsilon);
    return x * root * detail::along_axes(scale_, axes, x.rank());
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    detail::require_rank_from(input, 2, "(n, ..., features)");
    for (int axis : detail::resolve_axes(options_.axis, input)) {
      detail::require_size(input, axis, "elements on axis " + std::to_string(axis));
    }
    if (built() && sizes(input) != scale_.shape()) {
      throw InvalidArgument("it was built for inputs of shape " + input_shapes()[0].to_string() + ", got " +
                            input.to_string());
    }
  }

  void build(const Shape& input) override { scale_ = add_weight("scale", sizes(input), {.initializer = "ones"}); }

 private:
  Shape sizes(const Shape& input) const {
    Shape result;
    for (int axis : detail::resolve_axes(options_.axis, input)) result.push_back(input[axis]);
    return result;
  }

  RMSNormalizationOptions options_;
  Variable scale_;
};

}  // namespace

RMSNormalization::RMSNormalization(const RMSNormalizationOptions& options)
    : Layer(std::make_shared<RMSNormalizationLayer>(options)) {}

Layer RMSNormalization::from_config(ConfigReader& c) {
  return RMSNormalization({.axis = detail::read_axes(c, "axis", -1),
                           .epsilon = c.number("epsilon", 1e-6),
                           .name = c.name(),
                           .trainable = c.trainable()});
}

}  // namespace keratin
