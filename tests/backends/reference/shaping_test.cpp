#include "keratin/core/ops/shaping.h"

#include "tests/backends/reference/fixture.h"

namespace keratin::testing {
namespace {

using ReferenceShaping = ReferenceTest;

TEST_F(ReferenceShaping, Transpose) {
  expect_values(run("transpose", TransposeAttrs{{1, 0}}, {ramp({2, 3})}, {Shape{3, 2}, DType::float64}),
                {1, 4, 2, 5, 3, 6});
  // out[i, j, k] = in[j, k, i]
  expect_values(run("transpose", TransposeAttrs{{2, 0, 1}}, {ramp({2, 3, 2})}, {Shape{2, 2, 3}, DType::float64}),
                {1, 3, 5, 7, 9, 11, 2, 4, 6, 8, 10, 12});
}

TEST_F(ReferenceShaping, BroadcastTo) {
  expect_values(run("broadcast_to", BroadcastToAttrs{{2, 3}}, {ramp({3})}, {Shape{2, 3}, DType::float64}),
                {1, 2, 3, 1, 2, 3});
  expect_values(run("broadcast_to", BroadcastToAttrs{{2, 2}}, {ramp({2, 1})}, {Shape{2, 2}, DType::float64}),
                {1, 1, 2, 2});
  expect_values(run("broadcast_to", BroadcastToAttrs{{2}}, {ints({}, {9})}, {Shape{2}, DType::int32}), {9, 9});
}

TEST_F(ReferenceShaping, Concatenate) {
  expect_values(run("concatenate", ConcatenateAttrs{1},
                    {ramp({2, 1}), ramp({2, 2}, 10), Tensor({2, 0}, DType::float64)}, {Shape{2, 3}, DType::float64}),
                {1, 10, 11, 2, 12, 13});
  expect_values(
      run("concatenate", ConcatenateAttrs{0}, {ramp({1, 2}), ramp({2, 2}, 10)}, {Shape{3, 2}, DType::float64}),
      {1, 2, 10, 11, 12, 13});
}

TEST_F(ReferenceShaping, SliceAndPad) {
  expect_values(run("slice", SliceAttrs{{1, 1}, {-1, 2}}, {ramp({3, 4})}, {Shape{2, 2}, DType::float64}),
                {6, 7, 10, 11});
  expect_values(run("pad", PadAttrs{{1, 0}, {0, 2}, -1}, {ramp({1, 2})}, {Shape{2, 4}, DType::float64}),
                {-1, -1, -1, -1, 1, 2, -1, -1});
}

TEST_F(ReferenceShaping, Iota) {
  expect_values(run("iota", IotaAttrs{{2, 3}, 1, DType::int32}, {}, {Shape{2, 3}, DType::int32}), {0, 1, 2, 0, 1, 2});
  expect_values(run("iota", IotaAttrs{{2, 3}, 0, DType::float64}, {}, {Shape{2, 3}, DType::float64}),
                {0, 0, 0, 1, 1, 1});
}

}  // namespace
}  // namespace keratin::testing
