#include "keratin/core/ops/ctc.h"

#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/matmul.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/scan.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/ops/softmax.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::ops {
namespace {

// The logarithm of what is impossible: infinities would make gradients of them NaN. Keras's.
constexpr double kImpossible = -1e5;

// ln of the sum of exp, element by element.
Value log_add(const Values& x) {
  Value largest = x[0];
  for (std::size_t i = 1; i < x.size(); ++i) largest = maximum(largest, x[i]);
  largest = stop_gradient(largest);
  Value sum = exp(x[0] - largest);
  for (std::size_t i = 1; i < x.size(); ++i) sum = sum + exp(x[i] - largest);
  return largest + log(sum);
}

// (n, s): the scores moved to the right by `by` places.
Value moved(const Value& x, std::int64_t by) {
  return pad(slice(x, {0, 0}, {-1, x.shape()[1] - by}), {0, by}, {0, 0}, kImpossible);
}

// The elements of (n, s) at these places (n,); kImpossible for a place of -1.
Value at_places(const Value& x, const Value& places) {
  const Value here = equal(iota(x.shape(), 1), expand_dims(places, 1));
  return max(where(here, x, kImpossible), {1});
}

void check(bool good, const char* what, const Value& target, const Value& output) {
  if (good) return;
  throw InvalidArgument(std::string("ctc_loss: ") + what + ", got labels of shape " + target.shape().to_string() +
                        " and outputs of shape " + output.shape().to_string());
}

}  // namespace

Value ctc_loss(Value target, Value output, Value target_length, Value output_length, int mask_index) {
  check(target.rank() == 2 && output.rank() == 3, "expected labels (n, labels) and outputs (n, time, classes)", target,
        output);
  const std::int64_t n = output.shape()[0], time = output.shape()[1], labels = target.shape()[1];
  check(target.shape()[0] == n, "there must be labels for each row of outputs", target, output);
  check(target_length.shape() == Shape{n} && output_length.shape() == Shape{n}, "expected a length for each row",
        target, output);
  check(time > 0 && labels > 0, "expected at least one label and one step", target, output);
  check(mask_index >= 0 && mask_index < output.shape()[2], "mask_index must be a class", target, output);

  // The places of a path: blank, label, blank, label, ..., blank.
  target = cast(target, DType::int32);
  const Value blanks = broadcast_to(constant(Tensor::full({1, 1}, mask_index, DType::int32)), target.shape());
  const std::int64_t places = 2 * labels + 1;
  const Value path =
      concatenate({reshape(stack({blanks, target}, 2), {n, 2 * labels}), slice(blanks, {0, 0}, {-1, 1})});
  const Value scores = transpose(
      matmul(log_softmax(output), one_hot(path, output.shape()[2], output.dtype()), {.transpose_b = true}), {1, 0, 2});
  // A path may leave out the blank between two labels that differ.
  const Value two_before = pad(slice(path, {0, 0}, {-1, places - 2}), {0, 2}, {0, 0}, mask_index);
  const Value may_skip = logical_and(not_equal(path, two_before), not_equal(path, static_cast<double>(mask_index)));
  const Value skip = where(may_skip, cast(zeros_like(path), output.dtype()), kImpossible);

  const auto step = [&](const Values& now, const Values& before) -> ScanStep {
    const Value& x = before[0];
    return {.carries = {log_add({x, moved(x, 1), moved(x, 2) + skip}) + now[0]}, .outputs = {}};
  };
  // Before the first step: as if in front of the first blank or the first label.
  const Value start = where(equal(iota({n, places}, 1), 0.0), cast(zeros_like(path), output.dtype()), kImpossible);
  const Value counts = less(iota({time, n}, 0), cast(output_length, DType::int32));
  const Value last = scan(step, {scores}, {start}, {.mask = counts}).carries[0];
  // A path ends with its last label or the blank behind it.
  const Value end = cast(target_length, DType::int32) * 2.0;
  return -log_add({at_places(last, end), at_places(last, end - 1.0)});
}

}  // namespace keratin::ops
