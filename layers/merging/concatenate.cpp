#include "keratin/layers/merging/concatenate.h"

#include <algorithm>

#include "keratin/core/model/config_reader.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class ConcatenateLayer final : public LayerImpl {
 public:
  explicit ConcatenateLayer(const ConcatenateOptions& options)
      : LayerImpl("Concatenate", options.name, options.trainable), axis_(options.axis) {}

  Config config() const override { return LayerImpl::config().set("axis", axis_); }

  Values call(std::span<const Value> inputs, CallContext& context) override {
    context.set_mask(joined_mask(inputs, context));
    return {ops::concatenate(Values(inputs.begin(), inputs.end()), axis_)};
  }

 protected:
  int input_count() const override { return -1; }

  void check_inputs(std::span<const Shape> inputs) const override {
    const int joined = detail::resolve_axes(axis_, inputs[0]).front();
    for (const Shape& shape : inputs) {
      bool fits = shape.rank() == inputs[0].rank();
      for (int axis = 0; fits && axis < shape.rank(); ++axis) {
        const std::int64_t mine = shape[axis], first = inputs[0][axis];
        fits = axis == joined || mine == first || mine == kUnknown || first == kUnknown;
      }
      if (fits) continue;
      throw InvalidArgument("inputs of shapes " + inputs[0].to_string() + " and " + shape.to_string() +
                            " cannot be joined on axis " + std::to_string(axis_) +
                            "; the sizes on all other axes must agree");
    }
  }

 private:
  // The masks joined as the inputs are; an input without one counts everywhere.
  Value joined_mask(std::span<const Value> inputs, const CallContext& context) const {
    if (std::none_of(context.masks().begin(), context.masks().end(), [](const Value& m) { return !!m; })) return {};
    Values masks;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const Value& x = inputs[i];
      Value mask = context.mask(static_cast<int>(i));
      if (!mask) mask = ops::cast(op_support::scalar(1, DType::float32), DType::boolean);
      while (mask.rank() > 0 && mask.rank() < x.rank()) mask = ops::expand_dims(mask, -1);
      masks.push_back(ops::broadcast_to(mask, x.shape()));
    }
    const Value joined = ops::cast(ops::concatenate(masks, axis_), DType::int32);
    return ops::greater(ops::max(joined, {-1}), 0.0);
  }

  int axis_;
};

}  // namespace

Concatenate::Concatenate(const ConcatenateOptions& options) : Layer(std::make_shared<ConcatenateLayer>(options)) {}

Layer Concatenate::from_config(ConfigReader& c) {
  return Concatenate({.axis = c.small_integer("axis", -1), .name = c.name(), .trainable = c.trainable()});
}

}  // namespace keratin
