#include "keratin/layers/core/input.h"

#include "keratin/core/model/config_reader.h"
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

Layer Input::from_config(ConfigReader& c) {
  // Keras 2's key, and its way of saying which kinds of tensors come.
  const bool keras_2 = c.config().find("batch_input_shape") != nullptr;
  const Shape batch_shape = c.shape(keras_2 ? "batch_input_shape" : "batch_shape");
  c.expect("sparse", {false, {}});
  c.expect("ragged", {false, {}});
  c.expect("optional", {false, {}});
  const DType dtype = c.dtype("dtype");
  if (batch_shape.rank() == 0) {
    c.problem("batch_shape", "expected a shape that begins with the batch");
    return {};
  }
  const std::int64_t batch = batch_shape[0];
  return Input(
      batch_shape.slice(1, batch_shape.rank()),
      {.batch_size = batch == kUnknown ? std::optional<std::int64_t>() : batch, .dtype = dtype, .name = c.name()});
}

}  // namespace keratin
