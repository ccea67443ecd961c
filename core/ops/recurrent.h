// recurrent: a loop over time that is known to be an LSTM or a GRU, for backends that have a kernel for these.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "keratin/core/ops/scan.h"

namespace keratin {

// As in Keras, with tanh and sigmoid, gates beside each other in the weights' columns:
//   lstm   i, f, g, o = x·kernel + h·recurrent_kernel + bias;  c' = σ(f)·c + σ(i)·tanh(g);  h' = σ(o)·tanh(c')
//   gru    z, r, n from x·kernel + bias[0] and from h·recurrent_kernel + bias[1] (Keras's reset_after);
//          h' = σ(z)·h + (1 - σ(z))·tanh(n_x + σ(r)·n_h)
enum class RecurrentKind : std::uint8_t { lstm, gru };

struct RecurrentAttrs {
  RecurrentKind kind = RecurrentKind::lstm;
  bool reverse = false;  // from the last element of x to the first
  // What it computes, as its author composed it: results by inputs.
  std::shared_ptr<const ScanBody> definition = {};
  // For the gradient: of which results of the forward op it gets gradients.
  std::array<bool, 3> given = {};
};

// Inputs: x (time, n, features), h (n, units), for an lstm c (n, units), kernel (features, gates·units),
// recurrent_kernel (units, gates·units), perhaps bias: (4·units,), for a gru (2, 3·units).
// Results: all h as a sequence (time, n, units), the last h, for an lstm the last c. With `reverse` too, element t of
// the sequence belongs to element t of x.
extern const OpDef kRecurrent;
// Inputs: those of kRecurrent, then the gradients of the results that `given` says. Results: the gradients of the
// inputs.
extern const OpDef kRecurrentGrad;

constexpr std::int64_t gates_of(RecurrentKind kind) { return kind == RecurrentKind::lstm ? 4 : 3; }
constexpr std::size_t states_of(RecurrentKind kind) { return kind == RecurrentKind::lstm ? 2 : 1; }

namespace ops {

// `results`, which were composed of `inputs` and of nothing else, as one op. A backend may compute it by a kernel for
// that kind; for all others it is what it was composed as. Throws InvalidArgument when the shapes are not those of
// kRecurrent, and when the results need something else.
Values recurrent(RecurrentKind kind, bool reverse, const Values& inputs, const Values& results);

}  // namespace ops
}  // namespace keratin
