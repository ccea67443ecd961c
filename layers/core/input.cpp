#include "keratin/layers/core/input.h"

#include "keratin/core/graph/leaves.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class InputLayer final : public LayerImpl {
 public:
  InputLayer(const Shape& batch_shape, DType dtype, const std::string& name)
      : LayerImpl("InputLayer", name), value_(input_value(LayerImpl::name(), {batch_shape, dtype})) {
    build_for(std::span<const Shape>(&batch_shape, 1));
  }

  Value symbolic_input() const override { return value_; }
  Value call(Value x, CallContext&) override { return x; }

  Config config() const override {
    Config config("keras.layers", "InputLayer");
    return config.set("batch_shape", value_.shape())
        .set("dtype", name_of(value_.dtype()))
        .set("sparse", false)
        .set("name", name());
  }

 private:
  Value value_;
};

Shape batch_shape(const Shape& shape, const InputOptions& options) {
  if (options.batch_size) detail::require_positive("Input", "batch_size", *options.batch_size);
  for (std::int64_t size : shape) {
    if (size > 0 || size == kUnknown) continue;
    throw InvalidArgument("Input: sizes must be positive, or -1 for unknown, got " + shape.to_string());
  }
  return Shape{options.batch_size.value_or(kUnknown)}.concat(shape);
}

}  // namespace

Input::Input(const Shape& shape, const InputOptions& options)
    : Layer(std::make_shared<InputLayer>(batch_shape(shape, options), options.dtype, options.name)) {}

}  // namespace keratin
