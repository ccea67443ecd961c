#include "keratin/layers/merging/concatenate.h"

#include "keratin/core/model/config_reader.h"
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

  Values call(std::span<const Value> inputs, CallContext&) override {
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
  int axis_;
};

}  // namespace

Concatenate::Concatenate(const ConcatenateOptions& options) : Layer(std::make_shared<ConcatenateLayer>(options)) {}

Layer Concatenate::from_config(ConfigReader& c) {
  return Concatenate({.axis = c.small_integer("axis", -1), .name = c.name(), .trainable = c.trainable()});
}

}  // namespace keratin
