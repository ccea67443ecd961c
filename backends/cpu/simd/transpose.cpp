// Permutation of axes.
#include "keratin/backends/cpu/simd/families.h"
#include "keratin/backends/cpu/simd/vec.h"

namespace keratin::cpu::KERATIN_ISA {
namespace {

// y's axes, outermost first, with the distance in x between neighbours along each.
struct Plan {
  int rank = 0;
  i64 size[kMaxTransposeRank] = {}, stride[kMaxTransposeRank] = {};
};

// Axes that stay neighbours in both are merged; axes of size 1 vanish. y's first axis is kept apart: it is split.
Plan make_plan(const i64* dims, const int* perm, int rank, i64 first_axis_size) {
  i64 strides[kMaxTransposeRank] = {};
  i64 next = 1;
  for (int axis = rank - 1; axis >= 0; --axis) {
    strides[axis] = next;
    next *= dims[axis];
  }
  Plan plan;
  for (int axis = 0; axis < rank; ++axis) {
    const i64 size = axis == 0 ? first_axis_size : dims[perm[axis]], stride = strides[perm[axis]];
    if (size == 1 && plan.rank > 0) continue;
    if (plan.rank > 0 && plan.stride[plan.rank - 1] == size * stride) {
      plan.size[plan.rank - 1] *= size;
      plan.stride[plan.rank - 1] = stride;
    } else {
      plan.size[plan.rank] = size;
      plan.stride[plan.rank++] = stride;
    }
  }
  return plan;
}

// y(rows, cols) without gaps = x with distance `down` between rows and `across` between columns.
// Tiles keep both the lines read and the lines written in the L1 cache.
template <class E>
KERATIN_INLINE void tiles(const E* __restrict x, i64 rows, i64 cols, i64 down, i64 across, E* __restrict y) {
  constexpr i64 kTile = 16;
  for (i64 r0 = 0; r0 < rows; r0 += kTile) {
    const i64 r1 = r0 + kTile < rows ? r0 + kTile : rows;
    for (i64 c0 = 0; c0 < cols; c0 += kTile) {
      const i64 c1 = c0 + kTile < cols ? c0 + kTile : cols;
      for (i64 r = r0; r < r1; ++r) {
        for (i64 c = c0; c < c1; ++c) y[r * cols + c] = x[r * down + c * across];
      }
    }
  }
}

template <class E>
void run(const Plan& plan, const E* x, E* y) {
  const int inner = plan.rank >= 2 ? 2 : 1;  // axes handled by the innermost loops
  const int outer = plan.rank - inner;
  const i64 cols = plan.size[plan.rank - 1], across = plan.stride[plan.rank - 1];
  const i64 rows = inner == 2 ? plan.size[plan.rank - 2] : 1, down = inner == 2 ? plan.stride[plan.rank - 2] : 0;
  i64 count = 1;
  for (int axis = 0; axis < outer; ++axis) count *= plan.size[axis];
  i64 at[kMaxTransposeRank] = {};
  for (i64 i = 0; i < count; ++i, y += rows * cols) {
    i64 start = 0;
    for (int axis = 0; axis < outer; ++axis) start += at[axis] * plan.stride[axis];
    if (across == 1) {
      for (i64 r = 0; r < rows; ++r) {
        const E* __restrict from = x + start + r * down;
        E* __restrict to = y + r * cols;
        for (i64 c = 0; c < cols; ++c) to[c] = from[c];
      }
    } else {
      tiles(x + start, rows, cols, down, across, y);
    }
    for (int axis = outer - 1; axis >= 0 && ++at[axis] == plan.size[axis]; --axis) at[axis] = 0;
  }
}

void transpose(const void* x, const i64* dims, const int* perm, int rank, int element_size, i64 begin, i64 end,
               void* y) {
  i64 elements = 1, first_stride = 1;
  for (int axis = 0; axis < rank; ++axis) elements *= dims[axis];
  if (elements <= 0 || (rank > 0 && begin >= end)) return;
  Plan plan;
  if (rank > 0) {
    for (int axis = perm[0] + 1; axis < rank; ++axis) first_stride *= dims[axis];
    plan = make_plan(dims, perm, rank, end - begin);
  } else {
    plan.rank = 1;
    plan.size[0] = plan.stride[0] = 1;
  }
  const i64 from = rank > 0 ? begin * first_stride : 0;
  const i64 to = rank > 0 ? begin * (elements / dims[perm[0]]) : 0;
  const auto go = [&]<class E>(E) { run(plan, static_cast<const E*>(x) + from, static_cast<E*>(y) + to); };
  switch (element_size) {
    case 1: go(std::uint8_t{}); return;
    case 2: go(std::uint16_t{}); return;
    case 4: go(std::uint32_t{}); return;
    default: go(std::uint64_t{}); return;
  }
}

}  // namespace

void add_transpose(Simd& simd) { simd.transpose = transpose; }

}  // namespace keratin::cpu::KERATIN_ISA
