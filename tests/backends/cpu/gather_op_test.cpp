#include "keratin/core/ops/gather.h"

#include <gtest/gtest.h>

#include "keratin/core/ops/permutation.h"
#include "tests/backends/cpu/run_op.h"

namespace keratin {
namespace {

using namespace cpu_test;

TEST(CpuGather, Take) {
  const Tensor ids({2, 3}, {0, 4, 2, -1, 5, 4});  // two are outside
  for (const DType dtype : {DType::float32, DType::float64, DType::int32, DType::uint8}) {
    check_op(kTake, {}, {random_tensor({5, 3, 2}, dtype, 0, 99), ids});
    check_op(kTake, {}, {random_tensor({5}, dtype, 0, 99), ids});
  }
  check_op(kTake, {}, {random_tensor({300, 64}), random_tensor({3000}, DType::int32, 0, 300)});
}

TEST(CpuGather, TakeGradientAddsRepeatedRows) {
  const Tensor ids({2, 3}, {0, 4, 2, -1, 5, 4});
  for (const DType dtype : {DType::float32, DType::float64}) {
    check_op(kTakeGrad, TakeGradAttrs{{5, 3, 2}}, {random_tensor({2, 3, 3, 2}, dtype), ids}, 1e-6);
  }
  check_op(kTakeGrad, TakeGradAttrs{{300, 64}},
           {random_tensor({3000, 64}), random_tensor({3000}, DType::int32, 0, 300)}, 1e-5);
  EXPECT_FALSE(
      supported(kTakeGrad, TakeGradAttrs{{5}}, {{{2}, DType::int32}, {{2}, DType::int32}}, {{{5}, DType::int32}}));
}

Tensor cursor_of(std::int64_t position, std::int64_t rows, std::int64_t first, std::int64_t key, bool shuffle) {
  Tensor cursor({kBatchCursorSize}, DType::int64);
  auto fields = cursor.values<std::int64_t>();
  fields[kCursorPosition] = position;
  fields[kCursorRows] = rows;
  fields[kCursorFirst] = first;
  fields[kCursorKey] = key;
  fields[kCursorShuffle] = shuffle;
  return cursor;
}
Tensor base_of(const Tensor& data) {
  return Tensor({1}, {static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(data.raw()))});
}

TEST(CpuGather, BatchesOfADataSet) {
  const DType all[] = {DType::float32, DType::float64, DType::int32, DType::int64, DType::uint8, DType::boolean};
  for (const DType from : all) {
    const Tensor data = random_tensor({40, 7, 3}, from, 0, 200);
    for (const bool shuffle : {false, true}) {
      BatchGatherAttrs attrs{.batch = 16, .row_shape = {7, 3}, .from = from, .to = from};
      check_op(kBatchGather, attrs, {base_of(data), cursor_of(8, 30, 5, 1234, shuffle)});
      attrs.to = DType::float32;
      attrs.scale = 1.0 / 255;
      attrs.offset = -0.5;
      check_op(kBatchGather, attrs, {base_of(data), cursor_of(8, 30, 5, 1234, shuffle)}, 1e-6);
    }
  }
}

TEST(CpuGather, BatchOnThreads) {
  const Tensor data = random_tensor({1000, 784}, DType::uint8, 0, 256);
  check_op(kBatchGather,
           BatchGatherAttrs{.batch = 300, .row_shape = {784}, .from = DType::uint8, .to = DType::float32, .scale = 2},
           {base_of(data), cursor_of(600, 1000, 0, 99, true)});
}

TEST(CpuGather, ACursorOutsideStaysInTheData) {
  const Tensor data = random_tensor({10, 2});
  const BatchGatherAttrs attrs{.batch = 4, .row_shape = {2}};
  const Tensor wrapped = run_op(kBatchGather, attrs, {base_of(data), cursor_of(8, 10, 0, 0, false)}).at(0);
  EXPECT_EQ(wrapped.at({2, 1}), data.at({0, 1}));
  const Tensor nothing = run_op(kBatchGather, attrs, {base_of(data), cursor_of(0, 0, 0, 0, true)}).at(0);
  EXPECT_EQ(nothing.at({3, 1}), 0);
}

TEST(CpuGather, AdvanceMovesTheCursor) {
  check_op(kAdvance, AdvanceAttrs{.batch = 32}, {cursor_of(64, 1000, 1, std::int64_t{1} << 62, true)});
}

}  // namespace
}  // namespace keratin
