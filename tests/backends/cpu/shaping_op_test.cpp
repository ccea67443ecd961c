#include "keratin/core/ops/shaping.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "keratin/core/ops/elementwise.h"
#include "tests/backends/cpu/run_op.h"

namespace keratin {
namespace {

using namespace cpu_test;

const DType kSizes[] = {DType::float32, DType::float64, DType::uint8};  // the sizes of elements there are

TEST(CpuShaping, TransposeByEveryPermutation) {
  for (const DType dtype : kSizes) {
    std::vector<int> permutation = {0, 1, 2, 3};
    do {
      check_op(kTranspose, TransposeAttrs{permutation}, {random_tensor({3, 1, 5, 7}, dtype, 0, 99)});
      check_op(kTranspose, TransposeAttrs{permutation}, {random_tensor({2, 3, 4, 5}, dtype, 0, 99)});
    } while (std::next_permutation(permutation.begin(), permutation.end()));
  }
  check_op(kTranspose, TransposeAttrs{{1, 0}}, {random_tensor({700, 300})});
  check_op(kTranspose, TransposeAttrs{{1, 0}}, {Tensor({0, 3})});
  check_op(kTranspose, TransposeAttrs{{}}, {random_tensor({})});
}

TEST(CpuShaping, BroadcastTo) {
  for (const DType dtype : kSizes) {
    check_op(kBroadcastTo, BroadcastToAttrs{{4, 3}}, {random_tensor({3}, dtype, 0, 9)});
    check_op(kBroadcastTo, BroadcastToAttrs{{4, 3}}, {random_tensor({4, 1}, dtype, 0, 9)});
    check_op(kBroadcastTo, BroadcastToAttrs{{4, 3}}, {random_tensor({}, dtype, 0, 9)});
    check_op(kBroadcastTo, BroadcastToAttrs{{2, 4, 3, 5}}, {random_tensor({4, 1, 5}, dtype, 0, 9)});
  }
  check_op(kBroadcastTo, BroadcastToAttrs{{1000, 300}}, {random_tensor({300})});
}

TEST(CpuShaping, Concatenate) {
  for (const DType dtype : kSizes) {
    for (int axis = 0; axis < 3; ++axis) {
      Shape a{2, 3, 4}, b{2, 3, 4};
      b[axis] = 1;
      check_op(kConcatenate, ConcatenateAttrs{axis},
               {random_tensor(a, dtype, 0, 9), random_tensor(b, dtype, 0, 9), random_tensor(a, dtype, 9, 20)});
    }
  }
  check_op(kConcatenate, ConcatenateAttrs{0}, {random_tensor({3})});
  check_op(kConcatenate, ConcatenateAttrs{1}, {random_tensor({900, 200}), random_tensor({900, 150})});
}

TEST(CpuShaping, SliceAndPad) {
  for (const DType dtype : kSizes) {
    const Tensor x = random_tensor({4, 5, 6}, dtype, 0, 99);
    check_op(kSlice, SliceAttrs{{1, 0, 2}, {2, -1, 3}}, {x});
    check_op(kSlice, SliceAttrs{{0, 0, 5}, {4, 5, 1}}, {x});
    check_op(kSlice, SliceAttrs{{0, 2, 0}, {4, 0, 6}}, {x});
    check_op(kSlice, SliceAttrs{{2, 0, 0}, {2, 5, 6}}, {x});
    check_op(kPad, PadAttrs{{1, 0, 2}, {0, 3, 1}, 7}, {x});
    check_op(kPad, PadAttrs{{0, 0, 0}, {0, 0, 0}, 7}, {x});
  }
  check_op(kPad, PadAttrs{{0, 5}, {3, 0}, -1}, {random_tensor({500, 400})});
  EXPECT_FALSE(supported(kSlice, SliceAttrs{{2}, {2}}, {{{3}, DType::float32}}, {{{2}, DType::float32}}));
}

TEST(CpuShaping, Iota) {
  for (const DType dtype : {DType::float32, DType::float64, DType::int32, DType::int64, DType::uint8}) {
    for (int axis = 0; axis < 3; ++axis) check_op(kIota, IotaAttrs{{3, 4, 5}, axis, dtype}, {});
  }
}

TEST(CpuShaping, Copies) {
  const Tensor x = random_tensor({400, 800});
  expect_same_bits(run_on_threads(kStopGradient, {}, {x}).at(0), x);
  expect_same_bits(run_on_threads(kReshape, ReshapeAttrs{{800, -1}}, {x}).at(0), x.reshape({800, 400}));
}

}  // namespace
}  // namespace keratin
