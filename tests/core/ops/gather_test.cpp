#include "keratin/core/ops/gather.h"

#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/permutation.h"
#include "keratin/core/ops/random.h"
#include "keratin/core/tensor/errors.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using testing::expect_error;

Value of(Shape shape, DType dtype = DType::float32) { return input_value("x", {std::move(shape), dtype}); }

TEST(Take, ReplacesTheFirstAxisByThatOfTheIds) {
  EXPECT_EQ(ops::take(of({100, 8}), of({4, 7}, DType::int64)).shape(), (Shape{4, 7, 8}));
  EXPECT_EQ(ops::take(of({100}), of({}, DType::int32)).shape(), Shape{});
  EXPECT_EQ(ops::take(of({100, 8}, DType::uint8), of({kUnknown}, DType::int32)).spec(),
            (Spec{{kUnknown, 8}, DType::uint8}));
  expect_error<InvalidArgument>([] { ops::take(of({}), of({4}, DType::int32)); }, {"take: ", "scalar"});
  expect_error<InvalidArgument>([] { apply(kTake, {}, {of({9}), of({4})}); }, {"ids must be int32"});
  expect_error<InvalidArgument>(
      [] {
        apply(kTakeGrad, TakeGradAttrs{{9, 2}}, {of({4, 3}), of({4}, DType::int32)});
      },
      {"take_grad: dy", "(4, 2)", "(4, 3)"});
}

TEST(BatchGather, ChecksItsPosition) {
  const Value base = of({1}, DType::int64), cursor = of({kBatchCursorSize}, DType::int64);
  const BatchGatherAttrs attrs{.batch = 32, .row_shape = {28, 28}, .from = DType::uint8, .scale = 1.0 / 255};
  EXPECT_EQ(ops::batch_gather(base, cursor, attrs).spec(), (Spec{{32, 28, 28}, DType::float32}));
  EXPECT_EQ(ops::advance(cursor, 32).spec(), cursor.spec());
  expect_error<InvalidArgument>([&] { ops::batch_gather(base, base, attrs); }, {"batch_gather: the cursor", "(6,)"});
  expect_error<InvalidArgument>([&] { ops::batch_gather(cursor, cursor, attrs); }, {"base must be int64 (1,)"});
  expect_error<InvalidArgument>([&] { ops::batch_gather(base, cursor, {.batch = 0}); }, {"at least one row"});
  expect_error<InvalidArgument>([&] { ops::batch_gather(base, cursor, {.to = DType::int32, .scale = 2}); },
                                {"floating result"});
  expect_error<InvalidArgument>([&] { ops::advance(cursor, 0); }, {"advance: ", "got 0"});
  EXPECT_NE(kBatchGather.describe(BatchGatherAttrs{.scale = 0.1}), kBatchGather.describe(BatchGatherAttrs{}));
  EXPECT_NE(kBatchGather.describe(BatchGatherAttrs{.from = DType::uint8}), kBatchGather.describe(BatchGatherAttrs{}));
}

TEST(PermuteIndex, IsABijection) {
  for (std::uint64_t n : {1u, 2u, 3u, 4u, 5u, 16u, 17u, 100u, 1000u, 4097u}) {
    for (std::uint64_t key : {std::uint64_t{0}, std::uint64_t{1}, std::uint64_t{0xDEADBEEFCAFEF00D}}) {
      std::vector<bool> hit(n);
      for (std::uint64_t i = 0; i < n; ++i) {
        const std::uint64_t to = permute_index(i, n, key);
        ASSERT_LT(to, n);
        ASSERT_FALSE(hit[to]) << n << " " << key << " " << i;
        hit[to] = true;
      }
    }
  }
}

TEST(PermuteIndex, ShufflesAndDependsOnTheKey) {
  const std::uint64_t n = 1000;
  int fixed = 0, equal = 0, neighbours = 0;
  for (std::uint64_t i = 0; i < n; ++i) {
    fixed += permute_index(i, n, 1) == i;
    equal += permute_index(i, n, 1) == permute_index(i, n, 2);
    neighbours += i > 0 && permute_index(i, n, 1) == permute_index(i - 1, n, 1) + 1;
  }
  // One of each is expected of a random permutation; ten are as good as impossible.
  EXPECT_LT(fixed, 10);
  EXPECT_LT(equal, 10);
  EXPECT_LT(neighbours, 10);
}

TEST(Random, ChecksStepAndRate) {
  const Value step = of({}, DType::int64);
  EXPECT_EQ(ops::random_uniform(step, {2, 3}, 1).spec(), (Spec{{2, 3}, DType::float32}));
  EXPECT_EQ(ops::random_normal(step, {2, 3}, 1).shape(), (Shape{2, 3}));
  EXPECT_EQ(ops::dropout(of({kUnknown, 4}), step, 0.5, 1).shape(), (Shape{kUnknown, 4}));
  expect_error<InvalidArgument>([&] { ops::random_uniform(of({1}), {2}, 1); }, {"random_uniform: step", "int64 ()"});
  expect_error<InvalidArgument>([&] { ops::random_uniform(step, {-1}, 1); }, {"known sizes"});
  expect_error<InvalidArgument>([&] { ops::dropout(of({2}), step, 1.5, 1); }, {"dropout: rate", "1.5"});
  expect_error<InvalidArgument>([&] { ops::dropout(of({2}), step, -0.1, 1); }, {"rate"});
  expect_error<InvalidArgument>([&] { ops::dropout(of({2}, DType::int32), step, 0.1, 1); }, {"int32"});
  EXPECT_NE(kRandomUniform.describe(RandomAttrs{{2}, 1}), kRandomUniform.describe(RandomAttrs{{2}, 2}));
  EXPECT_NE(kDropout.describe(DropoutAttrs{0.5, 1}), kDropout.describe(DropoutAttrs{0.5, 2}));
  EXPECT_NE(kDropout.describe(DropoutAttrs{0.5, 1}), kDropout.describe(DropoutAttrs{0.25, 1}));
}

}  // namespace
}  // namespace keratin
