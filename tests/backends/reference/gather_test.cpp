#include "keratin/core/ops/gather.h"

#include <set>

#include "keratin/core/ops/permutation.h"
#include "tests/backends/reference/fixture.h"

namespace keratin::testing {
namespace {

class ReferenceGather : public ReferenceTest {
 protected:
  // A batch of `data`, whose rows have the shape `row`, by a cursor {position, rows, first, key, shuffle, unused}.
  Tensor batch(const Tensor& data, const Tensor& cursor, std::int64_t size, DType to, double scale = 1,
               double offset = 0) {
    const Shape row = data.shape().slice(1, data.rank());
    const Tensor base = longs({1}, {reinterpret_cast<std::int64_t>(data.raw())});
    return run("batch_gather", BatchGatherAttrs{size, row, data.dtype(), to, scale, offset}, {base, cursor},
               {Shape{size}.concat(row), to});
  }
};

TEST_F(ReferenceGather, TakeAndItsGradient) {
  const Tensor table = ramp({3, 2}), ids = ints({2, 2}, {2, 0, -1, 3});
  expect_values(run("take", {}, {table, ids}, {Shape{2, 2, 2}, DType::float64}), {5, 6, 1, 2, 0, 0, 0, 0});
  expect_values(
      run("take_grad", TakeGradAttrs{{3, 2}}, {ramp({4, 2}), ints({4}, {2, 0, 2, 7})}, {Shape{3, 2}, DType::float64}),
      {3, 4, 0, 0, 6, 8});
}

TEST_F(ReferenceGather, BatchInOrder) {
  const Tensor data = ramp({5, 2});
  expect_values(batch(data, longs({6}, {1, 4, 1, 0, 0, 0}), 2, DType::float64), {5, 6, 7, 8});
}

TEST_F(ReferenceGather, BatchScalesAndKeepsIntegers) {
  const Tensor pixels(Shape{2, 2}, {std::uint8_t{0}, std::uint8_t{51}, std::uint8_t{102}, std::uint8_t{255}});
  expect_values(batch(pixels, longs({6}, {0, 2, 0, 0, 0, 0}), 2, DType::float64, 2, -1), {-1, 101, 203, 509});
  const std::int64_t big = (std::int64_t{1} << 53) + 1;
  const Tensor labels = longs({2}, {big, -big});
  EXPECT_EQ(batch(labels, longs({6}, {0, 2, 0, 0, 0, 0}), 2, DType::int64).to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{big, -big}));
}

TEST_F(ReferenceGather, ShuffledEpochVisitsEveryRowOnce) {
  const Tensor data = ramp({10}, 0);
  std::multiset<double> seen;
  std::vector<double> order;
  for (std::int64_t position = 0; position < 8; position += 4) {
    const Tensor rows = batch(data, longs({6}, {position, 8, 2, 77, 1, 0}), 4, DType::float64);
    for (double row : rows.to_vector<double>()) {
      seen.insert(row);
      order.push_back(row);
    }
  }
  EXPECT_EQ(seen, (std::multiset<double>{2, 3, 4, 5, 6, 7, 8, 9}));
  for (std::uint64_t i = 0; i < 8; ++i) EXPECT_EQ(order[i], 2.0 + static_cast<double>(permute_index(i, 8, 77)));
}

TEST_F(ReferenceGather, AdvanceIsExact) {
  const std::int64_t big = (std::int64_t{1} << 53) + 1;
  EXPECT_EQ(run("advance", AdvanceAttrs{32}, {longs({6}, {big, 2, 3, big, 5, 6})}, {Shape{6}, DType::int64})
                .to_vector<std::int64_t>(),
            (std::vector<std::int64_t>{big + 32, 2, 3, big, 5, 6}));
}

}  // namespace
}  // namespace keratin::testing
