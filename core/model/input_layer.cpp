#include "keratin/core/model/input_layer.h"

#include "keratin/core/graph/leaves.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {

InputLayerImpl::InputLayerImpl(Shape shape, DType dtype, std::string name) : LayerImpl("InputLayer", std::move(name)) {
  for (std::int64_t dim : shape) {
    if (dim < kUnknown || dim == 0) {
      throw InvalidArgument(this->name() + " (InputLayer): sizes must be positive or -1 (unknown), got " +
                            shape.to_string());
    }
  }
  value_ = input_value(this->name(), {std::move(shape), dtype});
  build_for(std::span<const Shape>(&value_.shape(), 1));
}

InputLayerImpl::InputLayerImpl(Value value)
    : LayerImpl("InputLayer", value.node()->attrs_as<InputAttrs>().name), value_(std::move(value)) {
  build_for(std::span<const Shape>(&value_.shape(), 1));
}

Config InputLayerImpl::config() const {
  Config config("keras.layers", "InputLayer");
  config.set("batch_shape", value_.shape())
      .set("dtype", name_of(value_.dtype()))
      .set("sparse", false)
      .set("name", name());
  return config;
}

Value InputLayerImpl::call(Value input, CallContext&) { return input; }

void InputLayerImpl::check_inputs(std::span<const Shape> inputs) const {
  const Shape& expected = value_.shape();
  bool fits = inputs[0].rank() == expected.rank();
  for (int axis = 0; fits && axis < expected.rank(); ++axis) {
    fits = expected[axis] == kUnknown || inputs[0][axis] == kUnknown || inputs[0][axis] == expected[axis];
  }
  if (!fits)
    throw InvalidArgument("expected an input of shape " + expected.to_string() + ", got " + inputs[0].to_string());
}

}  // namespace keratin
