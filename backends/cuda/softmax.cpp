// Softmax and its kin over the last axis.
#include "keratin/core/ops/softmax.h"

#include "keratin/backends/cuda/device/softmax.h"
#include "keratin/backends/cuda/kernel.h"

namespace keratin::cuda {
namespace {

struct Rows {
  i64 rows = 0, columns = 1;
  explicit Rows(const Shape& x) : rows(x.size() / x[-1]), columns(x[-1]) {}
};

bool has_rows(const SpecView& x) { return x.shape.rank() > 0 && x.shape[-1] > 0 && is_floating(x.dtype); }

std::string text(std::string_view what, const Rows& r, DType dtype) {
  return std::string(what) + " of " + std::to_string(r.rows) + " rows " + std::string(name_of(dtype));
}

template <bool log>
KernelPtr prepare_forward(const OpCall& call) {
  if (!call.has(1) || !same(call.in[0], call.out[0]) || !has_rows(call.in[0])) return nullptr;
  const Rows r(call.in[0].shape);
  return make_kernel(text("softmax", r, call.in[0].dtype), [r, dtype = call.in[0].dtype](const Launch& l) {
    softmax(l.stream, dtype, log, r.rows, r.columns, l.in[0], l.out[0]);
  });
}

// inputs (dy, y)
template <bool log>
KernelPtr prepare_gradient(const OpCall& call) {
  if (!call.has(2) || !same(call.in[0], call.in[1]) || !same(call.in[0], call.out[0]) || !has_rows(call.in[0])) {
    return nullptr;
  }
  const Rows r(call.in[0].shape);
  return make_kernel(text("softmax gradient", r, call.in[0].dtype), [r, dtype = call.in[0].dtype](const Launch& l) {
    softmax_gradient(l.stream, dtype, log, r.rows, r.columns, l.in[0], l.in[1], l.out[0]);
  });
}

bool fits_labels(const SpecView& x, const SpecView& labels, const SpecView& per_row) {
  return has_rows(x) && labels.dtype == DType::int32 && labels.shape == x.shape.slice(0, x.shape.rank() - 1) &&
         is(per_row, labels.shape, x.dtype);
}

// inputs (x, labels)
KernelPtr prepare_crossentropy(const OpCall& call) {
  const auto* attrs = call.attributes<SparseCrossentropyAttrs>();
  if (!attrs || !call.has(2) || !fits_labels(call.in[0], call.in[1], call.out[0])) return nullptr;
  const Rows r(call.in[0].shape);
  return make_kernel(text("crossentropy", r, call.in[0].dtype),
                     [r, dtype = call.in[0].dtype, logits = attrs->from_logits](const Launch& l) {
                       sparse_crossentropy(l.stream, dtype, logits, r.rows, r.columns, l.in[0],
                                           static_cast<const std::int32_t*>(l.in[1]), l.out[0]);
                     });
}

// inputs (dy, x, labels)
KernelPtr prepare_crossentropy_gradient(const OpCall& call) {
  const auto* attrs = call.attributes<SparseCrossentropyAttrs>();
  if (!attrs || !call.has(3) || !fits_labels(call.in[1], call.in[2], call.in[0]) || !same(call.in[1], call.out[0])) {
    return nullptr;
  }
  const Rows r(call.in[1].shape);
  return make_kernel(text("crossentropy gradient", r, call.in[1].dtype),
                     [r, dtype = call.in[1].dtype, logits = attrs->from_logits](const Launch& l) {
                       sparse_crossentropy_gradient(l.stream, dtype, logits, r.rows, r.columns, l.in[0], l.in[1],
                                                    static_cast<const std::int32_t*>(l.in[2]), l.out[0]);
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

}  // namespace keratin::cuda
