// Random numbers: functions of (stream, step, element), the same on every device (core/tensor/philox.h).
#pragma once

#include "keratin/core/graph/node.h"

namespace keratin {

// Uniform numbers in [0, 1), float32. Input: step, an int64 scalar. Element i is word i%4 of Philox block i/4.
struct RandomAttrs {
  Shape shape = {};
  std::uint64_t stream = 0;
};
extern const OpDef kRandomUniform;

// x / (1 - rate) where the random number is at least `rate`, else 0. Inputs: x, step. Its gradient is itself, applied
// to dy.
struct DropoutAttrs {
  double rate = 0.5;
  std::uint64_t stream = 0;
};
extern const OpDef kDropout;

namespace ops {
Value random_uniform(Value step, Shape shape, std::uint64_t stream);
// Standard normal numbers by Box and Muller's transform of two uniform streams.
Value random_normal(Value step, Shape shape, std::uint64_t stream);
// int32 in [low, high), high - low at most 2^24. Throws InvalidArgument otherwise.
Value random_integers(Value step, Shape shape, std::int64_t low, std::int64_t high, std::uint64_t stream);
// For each row of logits (n, classes) `samples` classes, int32 (n, samples), by their probabilities softmax(logits).
Value random_categorical(Value step, Value logits, std::int64_t samples, std::uint64_t stream);
// x in another order along an axis; sizes must be known.
Value random_shuffle(Value step, Value x, int axis, std::uint64_t stream);
Value dropout(Value x, Value step, double rate, std::uint64_t stream);
}  // namespace ops

}  // namespace keratin
