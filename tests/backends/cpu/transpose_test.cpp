#include <algorithm>
#include <numeric>

#include "tests/backends/cpu/kernels.h"

namespace keratin::cpu {
namespace {

using testing::Array;

KERATIN_KERNEL_TESTS(TransposeKernels);

template <class E>
void check(const Simd& simd, const std::vector<i64>& dims, const std::vector<int>& perm) {
  const int rank = static_cast<int>(dims.size());
  const i64 elements = std::accumulate(dims.begin(), dims.end(), i64{1}, std::multiplies<>());
  Array<E> x(elements), y(elements), pieces(elements), want(elements);
  for (i64 i = 0; i < elements; ++i) x[i] = static_cast<E>(i);
  for (i64 i = 0; i < elements; ++i) {
    // Decompose i by x's axes, then compose by y's.
    std::vector<i64> at(dims.size());
    i64 rest = i;
    for (int axis = rank - 1; axis >= 0; --axis) {
      at[testing::u(axis)] = rest % dims[testing::u(axis)];
      rest /= dims[testing::u(axis)];
    }
    i64 to = 0;
    for (const int axis : perm) to = to * dims[testing::u(axis)] + at[testing::u(axis)];
    want[to] = x[i];
  }
  const i64 first = rank > 0 ? dims[testing::u(perm[0])] : 1;
  const int size = static_cast<int>(sizeof(E));
  simd.transpose(x.data(), dims.data(), perm.data(), rank, size, 0, first, y.data());
  if (rank > 0) {
    simd.transpose(x.data(), dims.data(), perm.data(), rank, size, first / 3, first, pieces.data());
    simd.transpose(x.data(), dims.data(), perm.data(), rank, size, 0, first / 3, pieces.data());
  } else {
    pieces = y;
  }
  for (i64 i = 0; i < elements; ++i) {
    ASSERT_EQ(y[i], want[i]) << "at " << i;
    ASSERT_EQ(pieces[i], want[i]) << "in pieces, at " << i;
  }
}

TEST_P(TransposeKernels, EveryPermutationOfSmallShapes) {
  const std::vector<std::vector<i64>> shapes = {{},        {7},          {3, 5},       {40, 33},     {1, 9},
                                                {4, 1, 3}, {2, 17, 3},   {2, 3, 4, 5}, {3, 1, 1, 6}, {2, 3, 2, 2, 3},
                                                {0, 4},    {5, 2, 0, 3}, {20, 18, 17}};
  for (const std::vector<i64>& dims : shapes) {
    std::vector<int> perm(dims.size());
    std::iota(perm.begin(), perm.end(), 0);
    do {
      check<std::uint8_t>(simd, dims, perm);
      check<std::uint16_t>(simd, dims, perm);
      check<std::uint32_t>(simd, dims, perm);
      check<std::uint64_t>(simd, dims, perm);
    } while (std::next_permutation(perm.begin(), perm.end()));
  }
}

TEST_P(TransposeKernels, HighestRank) {
  check<std::uint32_t>(simd, {2, 1, 3, 2, 2, 1, 2, 3}, {7, 0, 3, 2, 6, 5, 1, 4});
}

}  // namespace
}  // namespace keratin::cpu
