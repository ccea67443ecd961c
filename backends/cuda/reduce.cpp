// Reductions: neighbouring axes of one kind are joined, so that a few passes over (outer, reduce, inner) are left. Long
// reductions are cut into blocks whose number depends on the sizes only: the same bits in every run.
#include "keratin/core/ops/reduce.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "keratin/backends/cuda/reduction.h"
#include "keratin/core/ops/detail/walks.h"

namespace keratin::cuda {
namespace {

// Threads that keep a large device busy; fewer results than this are computed from blocks.
constexpr i64 kThreads = 1 << 16;
// Elements that are worth a block of their own: in a column of a single thread, in a row of a team.
constexpr i64 kColumnBlock = 32, kRowBlock = 4096;

i64 ceil_div(i64 a, i64 b) { return (a + b - 1) / b; }

struct Pass {
  ReduceShape shape;
  i64 from = -1, to = -1;  // offsets into the workspace in elements; -1: the input, the output
  i64 results() const { return shape.outer * shape.blocks() * shape.inner; }
};

Pass make_pass(i64 outer, i64 reduce, i64 inner) {
  Pass pass{.shape = {.outer = outer, .reduce = reduce, .inner = inner, .block_rows = std::max<i64>(reduce, 1)}};
  const i64 smallest = inner == 1 ? kRowBlock : kColumnBlock;
  const i64 threads = outer * inner * (inner == 1 ? kBlockThreads : 1);
  if (reduce <= 2 * smallest || threads >= kThreads || threads == 0) return pass;
  const i64 blocks = std::min(ceil_div(reduce, smallest), ceil_div(kThreads, threads));
  pass.shape.block_rows = ceil_div(reduce, blocks);
  return pass;
}

// The passes of a reduction and the elements of workspace they need.
std::vector<Pass> make_passes(std::vector<i64> sizes, i64& workspace) {
  std::vector<Pass> passes;
  workspace = 0;
  const auto add = [&](Pass pass) {
    if (!passes.empty()) {
      Pass& before = passes.back();
      before.to = workspace;
      pass.from = workspace;
      workspace += ceil_div(before.results(), kSlotAlignment) * kSlotAlignment;
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
    while (passes.back().shape.blocks() > 1) add(make_pass(outer, passes.back().shape.blocks(), inner));
    if (sizes.size() == 1) return passes;
    sizes.back() *= inner;
  }
}

template <Reduction op, bool mean>
KernelPtr prepare_reduce(const OpCall& call) {
  const auto* attrs = call.attributes<ReduceAttrs>();
  if (!attrs || !call.has(1) || call.in[0].dtype != call.out[0].dtype ||
      call.out[0].shape != op_support::reduced_shape(call.in[0].shape, attrs->axes, attrs->keepdims)) {
    return nullptr;
  }
  const DType dtype = call.in[0].dtype;
  if (dtype == DType::boolean || (mean && !is_floating(dtype))) return nullptr;
  double scale = 1;
  if (mean) {
    for (int axis : attrs->axes) scale /= static_cast<double>(call.in[0].shape[axis]);
  }
  return make_reduction(op, dtype, op_support::reduced_sizes(call.in[0].shape, attrs->axes), scale);
}

KernelPtr prepare_argmax(const OpCall& call) {
  const auto* attrs = call.attributes<ArgMaxAttrs>();
  if (!attrs || !call.has(1) || call.out[0].dtype != DType::int32 || call.in[0].dtype == DType::boolean) return nullptr;
  const Shape& shape = call.in[0].shape;
  const auto view = op_support::axis_view(shape, attrs->axis);
  if (!view || call.out[0].shape != op_support::reduced_shape(shape, {shape.normalize_axis(attrs->axis)}, false)) {
    return nullptr;
  }
  const i64 outer = view->outer, size = view->size, inner = view->inner;
  if (size < 1 || size > std::numeric_limits<std::int32_t>::max()) return nullptr;
  return make_kernel("argmax " + std::string(name_of(call.in[0].dtype)),
                     [=, dtype = call.in[0].dtype](const Launch& l) {
                       argmax(l.stream, dtype, outer, size, inner, l.in[0], static_cast<std::int32_t*>(l.out[0]));
                     });
}

}  // namespace

KernelPtr make_reduction(Reduction op, DType dtype, std::vector<i64> sizes, double scale) {
  i64 workspace = 0;
  const std::vector<Pass> passes = make_passes(std::move(sizes), workspace);
  const ReduceShape& first = passes.front().shape;
  const auto element = static_cast<i64>(size_of(dtype));
  return make_kernel("reduce (" + std::to_string(first.outer) + ", " + std::to_string(first.reduce) + ", " +
                         std::to_string(first.inner) + ") " + std::string(name_of(dtype)) + " in " +
                         std::to_string(passes.size()) + (passes.size() > 1 ? " passes" : " pass"),
                     workspace * element, [=](const Launch& l) {
                       for (const Pass& pass : passes) {
                         const void* from = pass.from < 0 ? l.in[0] : l.workspace + pass.from * element;
                         void* to = pass.to < 0 ? l.out[0] : l.workspace + pass.to * element;
                         reduce(l.stream, op, dtype, pass.shape, from, pass.to < 0 ? scale : 1, to);
                       }
                     });
}

void register_reduce(KernelTable& table) {
  table.add(kSum.name, prepare_reduce<Reduction::sum, false>);
  table.add(kMean.name, prepare_reduce<Reduction::sum, true>);
  table.add(kMax.name, prepare_reduce<Reduction::max, false>);
  table.add(kMin.name, prepare_reduce<Reduction::min, false>);
  table.add(kProd.name, prepare_reduce<Reduction::prod, false>);
  table.add(kArgMax.name, prepare_argmax);
}

}  // namespace keratin::cuda
