// 2-D pooling.
#include "keratin/core/ops/pool.h"

#include <algorithm>

#include "keratin/backends/cuda/device/windows.h"
#include "keratin/backends/cuda/kernel.h"
#include "keratin/core/ops/detail/windows.h"

namespace keratin::cuda {
namespace {

// One floating dtype all through.
bool floating(const OpCall& call) {
  const DType dtype = call.out[0].dtype;
  return is_floating(dtype) &&
         std::all_of(call.in.begin(), call.in.end(), [&](const SpecView& in) { return in.dtype == dtype; });
}

template <bool maximum>
KernelPtr prepare_pool(const OpCall& call) {
  const auto* attrs = call.attributes<Pool2DAttrs>();
  if (!attrs || !call.has(1) || !floating(call)) return nullptr;
  const auto shape = op_support::window_shape(*attrs, call.in[0].shape, call.out[0].shape);
  if (!shape) return nullptr;
  return make_kernel(
      "pool " + std::string(name_of(call.in[0].dtype)), [s = *shape, dtype = call.in[0].dtype](const Launch& l) {
        maximum ? max_pool(l.stream, dtype, s, l.in[0], l.out[0]) : average_pool(l.stream, dtype, s, l.in[0], l.out[0]);
      });
}

// inputs (x, y, dy)
KernelPtr prepare_max_gradient(const OpCall& call) {
  const auto* attrs = call.attributes<Pool2DAttrs>();
  if (!attrs || !call.has(3) || !floating(call) || call.out[0].shape != call.in[0].shape ||
      !same(call.in[1], call.in[2])) {
    return nullptr;
  }
  const auto shape = op_support::window_shape(*attrs, call.in[0].shape, call.in[1].shape);
  if (!shape) return nullptr;
  return make_kernel("max pool gradient " + std::string(name_of(call.in[0].dtype)),
                     [s = *shape, dtype = call.in[0].dtype](const Launch& l) {
                       max_pool_gradient(l.stream, dtype, s, l.in[0], l.in[1], l.in[2], l.out[0]);
                     });
}

KernelPtr prepare_max_index(const OpCall& call) {
  const auto* attrs = call.attributes<Pool2DAttrs>();
  const DType dtype = call.out[0].dtype;
  if (!attrs || !call.has(1, 2) || !floating(call) || !is(call.out[1], call.out[0].shape, DType::uint8)) return nullptr;
  const auto shape = op_support::window_shape(*attrs, call.in[0].shape, call.out[0].shape);
  if (!shape) return nullptr;
  return make_kernel("pool with taps " + std::string(name_of(dtype)), [s = *shape, dtype](const Launch& l) {
    max_pool_index(l.stream, dtype, s, l.in[0], l.out[0], l.out[1]);
  });
}

// inputs (taps, dy)
KernelPtr prepare_index_gradient(const OpCall& call) {
  const auto* attrs = call.attributes<MaxPool2DIndexGradAttrs>();
  const DType dtype = call.out[0].dtype;
  if (!attrs || !call.has(2) || !is_floating(dtype) || call.in[1].dtype != dtype ||
      !is(call.in[0], call.in[1].shape, DType::uint8) || call.out[0].shape != attrs->input_shape) {
    return nullptr;
  }
  const auto shape = op_support::window_shape(attrs->pool, call.out[0].shape, call.in[1].shape);
  if (!shape) return nullptr;
  return make_kernel("max pool gradient from taps " + std::string(name_of(dtype)),
                     [s = *shape, dtype](const Launch& l) {
                       max_pool_index_gradient(l.stream, dtype, s, l.in[0], l.in[1], l.out[0]);
                     });
}

// inputs (dy)
KernelPtr prepare_average_gradient(const OpCall& call) {
  const auto* attrs = call.attributes<AveragePool2DGradAttrs>();
  if (!attrs || !call.has(1) || !floating(call) || call.out[0].shape != attrs->input_shape) return nullptr;
  const auto shape = op_support::window_shape(attrs->pool, call.out[0].shape, call.in[0].shape);
  if (!shape) return nullptr;
  return make_kernel("average pool gradient " + std::string(name_of(call.in[0].dtype)),
                     [s = *shape, dtype = call.in[0].dtype](const Launch& l) {
                       average_pool_gradient(l.stream, dtype, s, l.in[0], l.out[0]);
                     });
}

}  // namespace

void register_pool(KernelTable& table) {
  table.add(kMaxPool2D.name, prepare_pool<true>);
  table.add(kAveragePool2D.name, prepare_pool<false>);
  table.add(kMaxPool2DGrad.name, prepare_max_gradient);
  table.add(kMaxPool2DIndex.name, prepare_max_index);
  table.add(kMaxPool2DIndexGrad.name, prepare_index_gradient);
  table.add(kAveragePool2DGrad.name, prepare_average_gradient);
}

}  // namespace keratin::cuda
