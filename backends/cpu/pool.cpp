// 2-D pooling: the threads share the images.
#include "keratin/core/ops/pool.h"

#include "keratin/backends/cpu/parallel.h"
#include "keratin/backends/cpu/typed.h"
#include "keratin/core/ops/detail/windows.h"

namespace keratin::cpu {
namespace {

Range images_of(const WindowShape& s) {
  const i64 work = s.h * s.w * s.c + s.oh * s.ow * s.kh * s.kw * s.c;
  return Range(s.n, std::max<i64>(1, kGrainLight / std::max<i64>(work, 1)));
}

template <bool maximum>
KernelPtr prepare_pool(const OpCall& call) {
  const auto* attrs = call.attributes<Pool2DAttrs>();
  if (!attrs || !call.has(1) || call.in[0].dtype != call.out[0].dtype) return nullptr;
  const auto shape = op_support::window_shape(*attrs, call.in[0].shape, call.out[0].shape);
  if (!shape) return nullptr;
  return for_float(call.in[0].dtype, [&, s = *shape]<class T>() {
    const Range images = images_of(s);
    const auto pool = maximum ? float_kernels<T>().max_pool : float_kernels<T>().average_pool;
    return make_kernel(describe("pool", dtype_of<T>, images.chunks), [=](const void* const* in, void* const* out) {
      images.run([&](i64 begin, i64 end) { pool(s, begin, end, as<T>(in[0]), as<T>(out[0])); });
    });
  });
}

// inputs (x, y, dy)
KernelPtr prepare_max_gradient(const OpCall& call) {
  const auto* attrs = call.attributes<Pool2DAttrs>();
  if (!attrs || !call.has(3) || !same(call.in[0], call.out[0]) || !same(call.in[1], call.in[2]) ||
      call.in[1].dtype != call.in[0].dtype) {
    return nullptr;
  }
  const auto shape = op_support::window_shape(*attrs, call.in[0].shape, call.in[1].shape);
  if (!shape) return nullptr;
  return for_float(call.in[0].dtype, [&, s = *shape]<class T>() {
    const Range images = images_of(s);
    return make_kernel(describe("max pool gradient", dtype_of<T>, images.chunks),
                       [=, gradient = float_kernels<T>().max_pool_gradient](const void* const* in, void* const* out) {
                         images.run([&](i64 begin, i64 end) {
                           gradient(s, begin, end, as<T>(in[0]), as<T>(in[1]), as<T>(in[2]), as<T>(out[0]));
                         });
                       });
  });
}

KernelPtr prepare_max_index(const OpCall& call) {
  const auto* attrs = call.attributes<Pool2DAttrs>();
  if (!attrs || !call.has(1, 2) || call.in[0].dtype != call.out[0].dtype || call.out[1].dtype != DType::uint8) {
    return nullptr;
  }
  const auto shape = op_support::window_shape(*attrs, call.in[0].shape, call.out[0].shape);
  if (!shape) return nullptr;
  return for_float(call.in[0].dtype, [&, s = *shape]<class T>() {
    const Range images = images_of(s);
    return make_kernel(describe("pool with taps", dtype_of<T>, images.chunks),
                       [=, pool = float_kernels<T>().max_pool_index](const void* const* in, void* const* out) {
                         images.run([&](i64 begin, i64 end) {
                           pool(s, begin, end, as<T>(in[0]), as<T>(out[0]), as<std::uint8_t>(out[1]));
                         });
                       });
  });
}

// inputs (taps, dy)
KernelPtr prepare_index_gradient(const OpCall& call) {
  const auto* attrs = call.attributes<MaxPool2DIndexGradAttrs>();
  if (!attrs || !call.has(2) || call.in[0].dtype != DType::uint8 || call.in[0].shape != call.in[1].shape ||
      call.in[1].dtype != call.out[0].dtype || call.out[0].shape != attrs->input_shape) {
    return nullptr;
  }
  const auto shape = op_support::window_shape(attrs->pool, call.out[0].shape, call.in[1].shape);
  if (!shape) return nullptr;
  return for_float(call.out[0].dtype, [&, s = *shape]<class T>() {
    const Range images = images_of(s);
    return make_kernel(
        describe("max pool gradient from taps", dtype_of<T>, images.chunks),
        [=, gradient = float_kernels<T>().max_pool_index_gradient](const void* const* in, void* const* out) {
          images.run([&](i64 begin, i64 end) {
            gradient(s, begin, end, as<std::uint8_t>(in[0]), as<T>(in[1]), as<T>(out[0]));
          });
        });
  });
}

// inputs (dy)
KernelPtr prepare_average_gradient(const OpCall& call) {
  const auto* attrs = call.attributes<AveragePool2DGradAttrs>();
  if (!attrs || !call.has(1) || call.in[0].dtype != call.out[0].dtype || call.out[0].shape != attrs->input_shape) {
    return nullptr;
  }
  const auto shape = op_support::window_shape(attrs->pool, call.out[0].shape, call.in[0].shape);
  if (!shape) return nullptr;
  return for_float(call.in[0].dtype, [&, s = *shape]<class T>() {
    const Range images = images_of(s);
    return make_kernel(
        describe("average pool gradient", dtype_of<T>, images.chunks),
        [=, gradient = float_kernels<T>().average_pool_gradient](const void* const* in, void* const* out) {
          images.run([&](i64 begin, i64 end) { gradient(s, begin, end, as<T>(in[0]), as<T>(out[0])); });
        });
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

}  // namespace keratin::cpu
