// Softmax and its kin over the last axis: the threads share the rows.
#include "keratin/core/ops/softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "keratin/backends/cpu/parallel.h"
#include "keratin/backends/cpu/typed.h"

namespace keratin::cpu {
namespace {

// Rows of the last axis; a row is worth `grain / columns` of a chunk.
struct Rows {
  i64 columns = 1;
  Range range;
  explicit Rows(const Shape& x) : columns(x[-1]), range(x.size() / columns, std::max<i64>(1, kGrainHeavy / columns)) {}
};

bool has_rows(const SpecView& x) { return x.shape.rank() > 0 && x.shape[-1] > 0; }

template <bool log>
KernelPtr prepare_forward(const OpCall& call) {
  if (!call.has(1) || !same(call.in[0], call.out[0]) || !has_rows(call.in[0])) return nullptr;
  return for_float(call.in[0].dtype, [&]<class T>() {
    const Rows rows(call.in[0].shape);
    const auto f = log ? float_kernels<T>().log_softmax : float_kernels<T>().softmax;
    return make_kernel(describe("softmax", call.in[0].dtype, rows.range.chunks),
                       [=](const void* const* in, void* const* out) {
                         rows.range.run([&](i64 row, i64 end) {
                           const i64 at = row * rows.columns;
                           f(as<T>(in[0]) + at, end - row, rows.columns, as<T>(out[0]) + at);
                         });
                       });
  });
}

// inputs (dy, y)
template <bool log>
KernelPtr prepare_gradient(const OpCall& call) {
  if (!call.has(2) || !same(call.in[0], call.in[1]) || !same(call.in[0], call.out[0]) || !has_rows(call.in[0])) {
    return nullptr;
  }
  return for_float(call.in[0].dtype, [&]<class T>() {
    const Rows rows(call.in[0].shape);
    const auto f = log ? float_kernels<T>().log_softmax_gradient : float_kernels<T>().softmax_gradient;
    return make_kernel(describe("softmax gradient", call.in[0].dtype, rows.range.chunks),
                       [=](const void* const* in, void* const* out) {
                         rows.range.run([&](i64 row, i64 end) {
                           const i64 at = row * rows.columns;
                           f(as<T>(in[1]) + at, as<T>(in[0]) + at, end - row, rows.columns, as<T>(out[0]) + at);
                         });
                       });
  });
}

// Keras's backend.epsilon(): probabilities stay this far from 0 and 1.
constexpr double kEpsilon = 1e-7;

// Losses of rows of probabilities x, which are divided by their sum: -log(clip(x[label] / sum)). A label outside of the
// row gives NaN.
template <class T>
void probability_loss(const T* x, const std::int32_t* labels, i64 rows, i64 columns, T* loss) {
  constexpr T low = static_cast<T>(kEpsilon), high = static_cast<T>(1 - kEpsilon);
  for (i64 r = 0; r < rows; ++r, x += columns) {
    const std::int32_t label = labels[r];
    if (label < 0 || label >= columns) {
      loss[r] = std::numeric_limits<T>::quiet_NaN();
      continue;
    }
    T sum = 0;
    for (i64 i = 0; i < columns; ++i) sum += x[i];
    loss[r] = -std::log(std::clamp(x[label] / sum, low, high));
  }
}

// dL/dx_j = dy (1/s - [j = l]/x_l)  where x_l/s is not clipped, else 0.
template <class T>
void probability_gradient(const T* x, const std::int32_t* labels, const T* dy, i64 rows, i64 columns, T* dx) {
  constexpr T low = static_cast<T>(kEpsilon), high = static_cast<T>(1 - kEpsilon);
  for (i64 r = 0; r < rows; ++r, x += columns, dx += columns) {
    const std::int32_t label = labels[r];
    const bool valid = label >= 0 && label < columns;
    T sum = 0;
    for (i64 i = 0; i < columns; ++i) sum += x[i];
    const T p = valid ? x[label] / sum : std::numeric_limits<T>::quiet_NaN();
    const bool clipped = p <= low || p >= high;
    const T share = clipped ? T{0} : valid ? dy[r] / sum : p;
    for (i64 i = 0; i < columns; ++i) dx[i] = share;
    if (valid && !clipped) dx[label] -= dy[r] / x[label];
  }
}

bool fits_labels(const SpecView& x, const SpecView& labels, const SpecView& per_row) {
  return has_rows(x) && labels.dtype == DType::int32 && labels.shape == x.shape.slice(0, x.shape.rank() - 1) &&
         is(per_row, labels.shape, x.dtype);
}

// inputs (x, labels)
KernelPtr prepare_crossentropy(const OpCall& call) {
  const auto* attrs = call.attributes<SparseCrossentropyAttrs>();
  if (!attrs || !call.has(2) || !fits_labels(call.in[0], call.in[1], call.out[0])) return nullptr;
  return for_float(call.in[0].dtype, [&]<class T>() {
    const Rows rows(call.in[0].shape);
    const auto of_logits = attrs->from_logits ? float_kernels<T>().sparse_crossentropy : nullptr;
    return make_kernel(describe("crossentropy", call.in[0].dtype, rows.range.chunks),
                       [=](const void* const* in, void* const* out) {
                         rows.range.run([&](i64 row, i64 end) {
                           const T* x = as<T>(in[0]) + row * rows.columns;
                           const auto* labels = as<std::int32_t>(in[1]) + row;
                           T* loss = as<T>(out[0]) + row;
                           if (of_logits) {
                             of_logits(x, DType::int32, labels, end - row, rows.columns, loss);
                           } else {
                             probability_loss(x, labels, end - row, rows.columns, loss);
                           }
                         });
                       });
  });
}

// inputs (dy, x, labels)
KernelPtr prepare_crossentropy_gradient(const OpCall& call) {
  const auto* attrs = call.attributes<SparseCrossentropyAttrs>();
  if (!attrs || !call.has(3) || !fits_labels(call.in[1], call.in[2], call.in[0]) || !same(call.in[1], call.out[0])) {
    return nullptr;
  }
  return for_float(call.in[1].dtype, [&]<class T>() {
    const Rows rows(call.in[1].shape);
    const auto of_logits = attrs->from_logits ? float_kernels<T>().sparse_crossentropy_gradient : nullptr;
    return make_kernel(describe("crossentropy gradient", call.in[1].dtype, rows.range.chunks),
                       [=](const void* const* in, void* const* out) {
                         rows.range.run([&](i64 row, i64 end) {
                           const T *dy = as<T>(in[0]) + row, *x = as<T>(in[1]) + row * rows.columns;
                           const auto* labels = as<std::int32_t>(in[2]) + row;
                           T* dx = as<T>(out[0]) + row * rows.columns;
                           if (of_logits) {
                             of_logits(x, DType::int32, labels, dy, T{1}, end - row, rows.columns, dx);
                           } else {
                             probability_gradient(x, labels, dy, end - row, rows.columns, dx);
                           }
                         });
                       });
  });
}

}  // namespace

void register_softmax(KernelTable& table) {
  table.add(kSoftmax.name, prepare_forward<false>);
  table.add(kLogSoftmax.name, prepare_forward<true>);
  table.add(kSoftmaxGrad.name, prepare_gradient<false>);
  table.add(kLogSoftmaxGrad.name, prepare_gradient<true>);
  table.add(kSparseCrossentropy.name, prepare_crossentropy);
  table.add(kSparseCrossentropyGrad.name, prepare_crossentropy_gradient);
}

}  // namespace keratin::cpu
