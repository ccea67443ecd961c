// 2-D pooling: the threads share the images.
#include "keratin/core/ops/pool.h"

#include "keratin/backends/cpu/parallel.h"
#include "keratin/backends/cpu/typed.h"

namespace keratin::cpu {
namespace {

// The shape for attributes and operands; false when they do not fit each other.
bool read_shape(const Pool2DAttrs& attrs, const SpecView& x, const SpecView& y, PoolShape& s) {
  if (x.shape.rank() != 4 || y.shape.rank() != 4 || x.dtype != y.dtype) return false;
  s = {.n = x.shape[0],
       .h = x.shape[1],
       .w = x.shape[2],
       .c = x.shape[3],
       .kh = attrs.window[0],
       .kw = attrs.window[1],
       .oh = y.shape[1],
       .ow = y.shape[2],
       .stride_h = attrs.strides[0],
       .stride_w = attrs.strides[1],
       .pad_top = attrs.padding.before[0],
       .pad_left = attrs.padding.before[1]};
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

Range images_of(const PoolShape& s) {
  const i64 work = s.h * s.w * s.c + s.oh * s.ow * s.kh * s.kw * s.c;
  return Range(s.n, std::max<i64>(1, kGrainLight / std::max<i64>(work, 1)));
}

template <bool maximum>
KernelPtr prepare_pool(const OpCall& call) {
  const auto* attrs = call.attributes<Pool2DAttrs>();
  PoolShape s;
  if (!attrs || !call.has(1) || !read_shape(*attrs, call.in[0], call.out[0], s)) return nullptr;
  return for_float(call.in[0].dtype, [&]<class T>() {
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
  PoolShape s;
  if (!attrs || !call.has(3) || !same(call.in[0], call.out[0]) || !same(call.in[1], call.in[2]) ||
      !read_shape(*attrs, call.in[0], call.in[1], s)) {
    return nullptr;
  }
  return for_float(call.in[0].dtype, [&]<class T>() {
    const Range images = images_of(s);
    return make_kernel(describe("max pool gradient", dtype_of<T>, images.chunks),
                       [=, gradient = float_kernels<T>().max_pool_gradient](const void* const* in, void* const* out) {
                         images.run([&](i64 begin, i64 end) {
                           gradient(s, begin, end, as<T>(in[0]), as<T>(in[1]), as<T>(in[2]), as<T>(out[0]));
                         });
                       });
  });
}

// inputs (dy)
KernelPtr prepare_average_gradient(const OpCall& call) {
  const auto* attrs = call.attributes<AveragePool2DGradAttrs>();
  PoolShape s;
  if (!attrs || !call.has(1) || call.out[0].shape != attrs->input_shape ||
      !read_shape(attrs->pool, call.out[0], call.in[0], s)) {
    return nullptr;
  }
  return for_float(call.in[0].dtype, [&]<class T>() {
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
  table.add(kAveragePool2DGrad.name, prepare_average_gradient);
}

}  // namespace keratin::cpu
