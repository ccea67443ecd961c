// 2-D pooling.
#include "keratin/core/ops/pool.h"

#include "keratin/backends/cuda/device/windows.h"
#include "keratin/backends/cuda/kernel.h"

namespace keratin::cuda {
namespace {

// The shape for attributes and operands; false when they do not fit each other.
bool read_shape(const Pool2DAttrs& attrs, const SpecView& x, const SpecView& y, WindowShape& s) {
  if (x.shape.rank() != 4 || y.shape.rank() != 4 || x.dtype != y.dtype || !is_floating(x.dtype)) return false;
  s = {.n = x.shape[0],
       .h = x.shape[1],
       .w = x.shape[2],
       .c = x.shape[3],
       .kh = attrs.window[0],
       .kw = attrs.window[1],
       .oh = y.shape[1],
       .ow = y.shape[2],
       .f = x.shape[3],
       .stride_h = attrs.strides[0],
       .stride_w = attrs.strides[1],
       .pad_top = attrs.padding.before[0],
       .pad_left = attrs.padding.before[1],
       .groups = x.shape[3]};
  const auto reaches = [&](std::size_t i, i64 size, i64 result) {
    const i64 before = attrs.padding.before[i], after = attrs.padding.after[i], window = attrs.window[i];
    // A window of nothing but padding would have no maximum.
    if (before < 0 || after < 0 || window < 1 || before >= window || after >= window || attrs.strides[i] < 1) {
      return false;
    }
    const i64 room = size + before + after - window;
    return room >= 0 && result == room / attrs.strides[i] + 1;
  };
  return y.shape[0] == s.n && y.shape[3] == s.c && reaches(0, s.h, s.oh) && reaches(1, s.w, s.ow);
}

template <bool maximum>
KernelPtr prepare_pool(const OpCall& call) {
  const auto* attrs = call.attributes<Pool2DAttrs>();
  WindowShape s;
  if (!attrs || !call.has(1) || !read_shape(*attrs, call.in[0], call.out[0], s)) return nullptr;
  return make_kernel("pool " + std::string(name_of(call.in[0].dtype)), [s, dtype = call.in[0].dtype](const Launch& l) {
    maximum ? max_pool(l.stream, dtype, s, l.in[0], l.out[0]) : average_pool(l.stream, dtype, s, l.in[0], l.out[0]);
  });
}

// inputs (x, y, dy)
KernelPtr prepare_max_gradient(const OpCall& call) {
  const auto* attrs = call.attributes<Pool2DAttrs>();
  WindowShape s;
  if (!attrs || !call.has(3) || !same(call.in[0], call.out[0]) || !same(call.in[1], call.in[2]) ||
      !read_shape(*attrs, call.in[0], call.in[1], s)) {
    return nullptr;
  }
  return make_kernel("max pool gradient " + std::string(name_of(call.in[0].dtype)),
                     [s, dtype = call.in[0].dtype](const Launch& l) {
                       max_pool_gradient(l.stream, dtype, s, l.in[0], l.in[1], l.in[2], l.out[0]);
                     });
}

// inputs (dy)
KernelPtr prepare_average_gradient(const OpCall& call) {
  const auto* attrs = call.attributes<AveragePool2DGradAttrs>();
  WindowShape s;
  if (!attrs || !call.has(1) || call.out[0].shape != attrs->input_shape ||
      !read_shape(attrs->pool, call.out[0], call.in[0], s)) {
    return nullptr;
  }
  return make_kernel(
      "average pool gradient " + std::string(name_of(call.in[0].dtype)),
      [s, dtype = call.in[0].dtype](const Launch& l) { average_pool_gradient(l.stream, dtype, s, l.in[0], l.out[0]); });
}

}  // namespace

void register_pool(KernelTable& table) {
  table.add(kMaxPool2D.name, prepare_pool<true>);
  table.add(kAveragePool2D.name, prepare_pool<false>);
  table.add(kMaxPool2DGrad.name, prepare_max_gradient);
  table.add(kAveragePool2DGrad.name, prepare_average_gradient);
}

}  // namespace keratin::cuda
