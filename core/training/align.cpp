#include "keratin/core/training/align.h"

#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {

Value align_target(Value y_true, const Value& y_pred) {
  if (y_true.rank() == y_pred.rank() - 1 && y_pred.shape()[-1] == 1) return ops::expand_dims(y_true, -1);
  if (y_true.rank() == y_pred.rank() + 1 && y_true.shape()[-1] == 1) return ops::squeeze(y_true, -1);
  return y_true;
}

Value align_weight(Value sample_weight, const Value& values) {
  Value weight = ops::cast(std::move(sample_weight), values.dtype());
  while (weight.rank() > values.rank() && weight.shape()[-1] == 1) weight = ops::squeeze(weight, -1);
  if (weight.rank() > values.rank()) {
    throw InvalidArgument("sample_weight of shape " + weight.shape().to_string() + " has more axes than the losses " +
                          values.shape().to_string());
  }
  while (weight.rank() < values.rank()) weight = ops::expand_dims(weight, -1);
  return weight;
}

Value masked_weight(const Value& sample_weight, const Value& mask) {
  if (!mask) return sample_weight;
  const Value weight = ops::cast(mask, DType::float32);
  return sample_weight ? weight * align_weight(sample_weight, weight) : weight;
}

}  // namespace keratin
