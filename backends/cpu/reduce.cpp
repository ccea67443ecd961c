// Reductions: neighbouring axes of one kind are joined, so that at most a few passes over (outer, reduce, inner) are
// left. Long reductions are cut into blocks whose number depends on the sizes only.
#include "keratin/core/ops/reduce.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "keratin/backends/cpu/parallel.h"
#include "keratin/backends/cpu/typed.h"
#include "keratin/core/ops/detail/walks.h"

namespace keratin::cpu {
namespace {

template <class T>
using ReduceFn = void (*)(const ReduceShape&, const T* x, T* y);

// One sweep: x (outer, reduce, inner) -> y (outer, blocks, inner), from the input or the workspace, to the output or
// the workspace. The threads share the blocks, or the outer indices, or the columns.
struct Pass {
  i64 outer = 1, reduce = 1, inner = 1;
  i64 blocks = 1, block_rows = 1;
  Range outers, columns;
  i64 from = -1, to = -1;  // offsets into the workspace in elements; -1: the input, the output

  i64 chunks() const { return blocks > 1 ? outer * blocks : std::max(outers.chunks, columns.chunks); }

  template <class T>
  void run(ReduceFn<T> f, const T* x, T* y) const {
    if (blocks > 1) {
      parallel_for(outer * blocks, [&](i64 c) {
        const i64 first = c % blocks * block_rows, rows = std::min(block_rows, reduce - first);
        f({.outer = 1, .reduce = rows, .inner = inner, .stride = inner}, x + (c / blocks * reduce + first) * inner,
          y + c * inner);
      });
    } else if (columns.chunks > 1) {
      columns.run([&](i64 begin, i64 end) {
        f({.outer = outer, .reduce = reduce, .inner = end - begin, .stride = inner}, x + begin, y + begin);
      });
    } else {
      outers.run([&](i64 begin, i64 end) {
        f({.outer = end - begin, .reduce = reduce, .inner = inner, .stride = inner}, x + begin * reduce * inner,
          y + begin * inner);
      });
    }
  }
};

// Enough for the threads of any machine to have work; more would only make the last step longer.
constexpr i64 kMaxChunks = 64;

Pass make_pass(i64 outer, i64 reduce, i64 inner) {
  Pass pass{.outer = outer, .reduce = reduce, .inner = inner, .block_rows = reduce, .outers = {}, .columns = {}};
  const i64 wanted = std::clamp<i64>(outer * reduce * inner / kGrainLight, 1, kMaxChunks);
  pass.outers = Range(outer, outer);
  pass.columns = Range(inner, inner);
  if (wanted == 1) return pass;
  if (outer >= wanted) {
    pass.outers = Range(outer, ceil_div(outer, wanted));
  } else if (inner / kColumnUnit >= wanted) {
    pass.columns = Range(inner, ceil_div(inner, wanted), kColumnUnit);
  } else {
    pass.block_rows = ceil_div(reduce, std::min(reduce, ceil_div(wanted, outer)));
    pass.blocks = ceil_div(reduce, pass.block_rows);
  }
  return pass;
}

// The passes of a reduction and the elements of workspace they need.
std::vector<Pass> make_passes(std::vector<i64> sizes, i64& workspace) {
  std::vector<Pass> passes;
  workspace = 0;
  const auto add = [&](Pass pass) {
    if (!passes.empty()) {
      // What the pass before wrote.
      const Pass& before = passes.back();
      passes.back().to = workspace;
      pass.from = workspace;
      workspace += round_up(before.outer * before.blocks * before.inner, kSlotAlignment);
    }
    passes.push_back(pass);
  };
  while (true) {
    // The last reduced axis and the kept one behind it.
    const i64 inner = sizes.back(), reduce = sizes[sizes.size() - 2];
    sizes.resize(sizes.size() - 2);
    i64 outer = 1;
    for (i64 size : sizes) outer *= size;
    add(make_pass(outer, reduce, inner));
    while (passes.back().blocks > 1) add(make_pass(outer, passes.back().blocks, inner));
    if (sizes.size() == 1) return passes;
    sizes.back() *= inner;
  }
}

template <class T>
KernelPtr reduce_kernel(const OpCall& call, const ReduceAttrs& attrs, ReduceFn<T> f, ReduceFn<T> mean) {
  i64 workspace = 0;
  std::vector<Pass> passes = make_passes(op_support::reduced_sizes(call.in[0].shape, attrs.axes), workspace);
  if (passes.size() == 1 && mean) f = mean;
  const bool divide = passes.size() > 1 && mean;
  const i64 size = call.out[0].shape.size();
  T count = 1;
  for (int axis : attrs.axes) count *= static_cast<T>(call.in[0].shape[axis]);
  const Pass& first = passes.front();
  const std::string text = describe("reduce (" + std::to_string(first.outer) + ", " + std::to_string(first.reduce) +
                                        ", " + std::to_string(first.inner) + ") in " + std::to_string(passes.size()) +
                                        (passes.size() > 1 ? " passes" : " pass"),
                                    call.in[0].dtype, first.chunks());
  return make_kernel(text, static_cast<std::size_t>(workspace) * sizeof(T),
                     [=, passes = std::move(passes)](const void* const* in, void* const* out, void* memory) {
                       T *y = as<T>(out[0]), *temporary = as<T>(memory);
                       for (const Pass& pass : passes) {
                         pass.run(f, pass.from < 0 ? as<T>(in[0]) : temporary + pass.from,
                                  pass.to < 0 ? y : temporary + pass.to);
                       }
                       if constexpr (is_floating(dtype_of<T>)) {
                         if (divide) {
                           for (i64 i = 0; i < size; ++i) y[i] /= count;
                         }
                       }
                     });
}

// The dtype that has no vector kernels.
template <Reduction f>
void byte_reduce(const ReduceShape& s, const std::uint8_t* x, std::uint8_t* y) {
  constexpr std::uint8_t start = f == Reduction::min ? 255 : f == Reduction::prod ? 1 : 0;
  for (i64 o = 0; o < s.outer; ++o) {
    std::uint8_t* to = y + o * s.stride;
    std::fill_n(to, s.inner, start);
    for (i64 r = 0; r < s.reduce; ++r) {
      const std::uint8_t* from = x + (o * s.reduce + r) * s.stride;
      for (i64 i = 0; i < s.inner; ++i) {
        if constexpr (f == Reduction::sum) to[i] = static_cast<std::uint8_t>(to[i] + from[i]);
        if constexpr (f == Reduction::prod) to[i] = static_cast<std::uint8_t>(to[i] * from[i]);
        if constexpr (f == Reduction::max) to[i] = std::max(to[i], from[i]);
        if constexpr (f == Reduction::min) to[i] = std::min(to[i], from[i]);
      }
    }
  }
}

template <Reduction f>
KernelPtr prepare_reduce(const OpCall& call) {
  constexpr int index = static_cast<int>(f);
  constexpr int sum = static_cast<int>(Reduction::sum);
  const auto* attrs = call.attributes<ReduceAttrs>();
  if (!attrs || !call.has(1) || call.in[0].dtype != call.out[0].dtype ||
      call.out[0].shape != op_support::reduced_shape(call.in[0].shape, attrs->axes, attrs->keepdims)) {
    return nullptr;
  }
  const DType dtype = call.in[0].dtype;
  if (is_floating(dtype)) {
    return for_float(dtype, [&]<class T>() {
      const auto& reduce = float_kernels<T>().reduce;
      if constexpr (f == Reduction::mean) return reduce_kernel<T>(call, *attrs, reduce[sum], reduce[index]);
      return reduce_kernel<T>(call, *attrs, reduce[index], nullptr);
    });
  }
  if constexpr (f != Reduction::mean) {
    if (dtype == DType::int32) return reduce_kernel<std::int32_t>(call, *attrs, simd().i32.reduce[index], nullptr);
    if (dtype == DType::int64) return reduce_kernel<i64>(call, *attrs, simd().i64s.reduce[index], nullptr);
    if (dtype == DType::uint8) return reduce_kernel<std::uint8_t>(call, *attrs, byte_reduce<f>, nullptr);
  }
  return nullptr;
}

// Over the middle axis of (outer, reduce, inner), for the outer indices [begin, end). As in NumPy the first NaN wins.
template <class T>
void plain_argmax(const T* x, i64 begin, i64 end, i64 reduce, i64 inner, std::int32_t* y) {
  for (i64 o = begin; o < end; ++o) {
    const T* plane = x + o * reduce * inner;
    std::int32_t* best = y + o * inner;
    std::fill_n(best, inner, 0);
    for (i64 r = 1; r < reduce; ++r) {
      for (i64 i = 0; i < inner; ++i) {
        const T value = plane[r * inner + i], leader = plane[best[i] * inner + i];
        // A NaN is not equal to itself.
        if (value > leader || (value != value && leader == leader)) best[i] = static_cast<std::int32_t>(r);
      }
    }
  }
}

KernelPtr prepare_argmax(const OpCall& call) {
  const auto* attrs = call.attributes<ArgMaxAttrs>();
  if (!attrs || !call.has(1) || call.out[0].dtype != DType::int32 || call.in[0].dtype == DType::boolean) return nullptr;
  const Shape& shape = call.in[0].shape;
  const auto view = op_support::axis_view(shape, attrs->axis);
  if (!view || call.out[0].shape != op_support::reduced_shape(shape, {shape.normalize_axis(attrs->axis)}, false)) {
    return nullptr;
  }
  const i64 outer = view->outer, reduce = view->size, inner = view->inner;
  if (reduce < 1 || reduce > std::numeric_limits<std::int32_t>::max()) return nullptr;
  const Range range(outer, std::max<i64>(1, kGrainHeavy / std::max<i64>(1, reduce * inner)));
  const std::string text = describe("argmax", call.in[0].dtype, range.chunks);
  return visit_dtype(call.in[0].dtype, [&]<class T>() {
    if constexpr (is_floating(dtype_of<T>)) {
      if (inner == 1) {
        const auto argmax = float_kernels<T>().argmax;
        return make_kernel(text, [=](const void* const* in, void* const* out) {
          range.run([&](i64 begin, i64 end) {
            argmax(as<T>(in[0]) + begin * reduce, end - begin, reduce, DType::int32, as<std::int32_t>(out[0]) + begin);
          });
        });
      }
    }
    return make_kernel(text, [=](const void* const* in, void* const* out) {
      range.run(
          [&](i64 begin, i64 end) { plain_argmax(as<T>(in[0]), begin, end, reduce, inner, as<std::int32_t>(out[0])); });
    });
  });
}

}  // namespace

void register_reduce(KernelTable& table) {
  table.add(kSum.name, prepare_reduce<Reduction::sum>);
  table.add(kMean.name, prepare_reduce<Reduction::mean>);
  table.add(kMax.name, prepare_reduce<Reduction::max>);
  table.add(kMin.name, prepare_reduce<Reduction::min>);
  table.add(kProd.name, prepare_reduce<Reduction::prod>);
  table.add(kArgMax.name, prepare_argmax);
}

}  // namespace keratin::cpu
