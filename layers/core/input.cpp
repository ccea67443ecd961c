#include "keratin/layers/core/input.h"

#include "keratin/core/model/input_layer.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

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
    : Layer(std::make_shared<InputLayerImpl>(batch_shape(shape, options), options.dtype, options.name)) {}

}  // namespace keratin
