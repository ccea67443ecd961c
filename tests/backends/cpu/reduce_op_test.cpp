#include "keratin/core/ops/reduce.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/backends/cpu/run_op.h"

namespace keratin {
namespace {

using namespace cpu_test;

const OpDef* const kReductions[] = {&kSum, &kMean, &kMax, &kMin, &kProd};

TEST(CpuReduce, EverySetOfAxes) {
  const Shape shape{3, 2, 4, 5};
  for (int mask = 0; mask < 16; ++mask) {
    ReduceAttrs attrs;
    for (int axis = 0; axis < 4; ++axis) {
      if (mask >> axis & 1) attrs.axes.push_back(axis);
    }
    attrs.keepdims = mask % 3 == 0;
    SCOPED_TRACE("axes " + std::to_string(mask));
    for (const OpDef* op : kReductions) {
      check_op(*op, attrs, {random_tensor(shape, DType::float32, 0.5, 1.5)}, 1e-5);
      check_op(*op, attrs, {random_tensor(shape, DType::float64, -1, 1)}, 1e-12);
      if (op == &kMean) continue;
      check_op(*op, attrs, {random_tensor(shape, DType::int32, -3, 3)});
      check_op(*op, attrs, {random_tensor(shape, DType::int64, -3, 3)});
      check_op(*op, attrs, {random_tensor(shape, DType::uint8, 0, 3)});
    }
  }
}

// Few long sums, many short ones, wide ones, and sums over both ends: all ways of sharing the work.
TEST(CpuReduce, ChunksOnThreads) {
  const std::pair<Shape, std::vector<int>> cases[] = {
      {{1000003}, {0}},   {{5000, 60}, {0}},    {{5000, 60}, {1}},       {{20, 40000}, {0}},
      {{3, 150001}, {1}}, {{3, 20001, 7}, {1}}, {{300, 40, 50}, {0, 2}}, {{2, 90000, 3}, {0, 1}}};
  for (const auto& [shape, axes] : cases) {
    SCOPED_TRACE(shape.to_string());
    const Tensor x = random_tensor(shape);
    for (const OpDef* op : {&kSum, &kMean, &kMax}) check_op(*op, ReduceAttrs{axes, false}, {x}, 2e-4);
  }
  check_op(kSum, ReduceAttrs{{0}, false}, {random_tensor({1000003}, DType::int64, -9, 9)});
}

TEST(CpuReduce, EmptyAndSpecialNumbers) {
  check_op(kSum, ReduceAttrs{{0}, false}, {Tensor({0, 3})});
  check_op(kProd, ReduceAttrs{{1}, true}, {Tensor({2, 0})});
  check_op(kSum, ReduceAttrs{{0}, false}, {Tensor({2, 0})});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const OpDef* op : kReductions)
    check_op(*op, ReduceAttrs{{0}, false}, {Tensor({3, 2}, {1.0f, 2.0f, nan, 3.0f, 4.0f, 5.0f})}, 1e-6);
}

TEST(CpuArgMax, AnyAxisFirstMaximum) {
  for (const DType dtype : {DType::float32, DType::float64, DType::int32, DType::int64, DType::uint8}) {
    const Tensor x = random_tensor({4, 5, 6}, dtype, 0, 4);  // many equal maxima in integers
    for (int axis = 0; axis < 3; ++axis) check_op(kArgMax, ArgMaxAttrs{axis}, {x});
  }
  check_op(kArgMax, ArgMaxAttrs{1}, {random_tensor({4000, 10})});
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (int axis = 0; axis < 2; ++axis)
    check_op(kArgMax, ArgMaxAttrs{axis}, {Tensor({2, 3}, {1.0f, nan, 9.0f, 8.0f, 0.0f, nan})});
  EXPECT_FALSE(supported(kArgMax, ArgMaxAttrs{0}, {{{3}, DType::float32}}, {{{}, DType::int64}}));
}

}  // namespace
}  // namespace keratin
