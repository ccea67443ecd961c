#include "keratin/core/ops/reduce.h"

#include "keratin/core/graph/leaves.h"
#include "keratin/core/tensor/errors.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using testing::expect_error;

Value of(Shape shape, DType dtype = DType::float32) { return input_value("x", {std::move(shape), dtype}); }

TEST(Reduce, DropsOrKeepsAxes) {
  const Value x = of({2, 3, 5});
  EXPECT_EQ(ops::sum(x).shape(), Shape{});
  EXPECT_EQ(ops::sum(x, {}, true).shape(), (Shape{1, 1, 1}));
  EXPECT_EQ(ops::mean(x, {-1}).shape(), (Shape{2, 3}));
  EXPECT_EQ(ops::max(x, {2, 0}).shape(), (Shape{3}));
  EXPECT_EQ(ops::min(x, {1}, true).shape(), (Shape{2, 1, 5}));
  EXPECT_EQ(ops::prod(x, {0, 1, 2}).shape(), Shape{});
  EXPECT_EQ(ops::variance(x, {0}).shape(), (Shape{3, 5}));
  EXPECT_EQ(ops::logsumexp(x, {-1}).shape(), (Shape{2, 3}));
  EXPECT_EQ(ops::logsumexp(x, {-1}, true).shape(), (Shape{2, 3, 1}));
  EXPECT_EQ(ops::argmax(x).spec(), (Spec{{2, 3}, DType::int32}));
  EXPECT_EQ(ops::argmax(x, 0).shape(), (Shape{3, 5}));
}

TEST(Reduce, UnknownSizesStay) {
  const Value x = of({kUnknown, 3, 5});
  EXPECT_EQ(ops::mean(x, {1}).shape(), (Shape{kUnknown, 5}));
  EXPECT_EQ(ops::logsumexp(x, {-1}).shape(), (Shape{kUnknown, 3}));
  EXPECT_EQ(ops::variance(x, {0}, true).shape(), (Shape{1, 3, 5}));
  EXPECT_EQ(ops::argmax(x).shape(), (Shape{kUnknown, 3}));
}

TEST(Reduce, ChoosesRoomyDTypes) {
  EXPECT_EQ(ops::sum(of({2}, DType::boolean)).dtype(), DType::int32);
  EXPECT_EQ(ops::sum(of({2}, DType::uint8)).dtype(), DType::int32);
  EXPECT_EQ(ops::sum(of({2}, DType::int64)).dtype(), DType::int64);
  EXPECT_EQ(ops::mean(of({2}, DType::int32)).dtype(), DType::float32);
  EXPECT_EQ(ops::mean(of({2}, DType::boolean)).dtype(), DType::float32);
  EXPECT_EQ(ops::mean(of({2}, DType::float64)).dtype(), DType::float64);
  EXPECT_EQ(ops::max(of({2}, DType::uint8)).dtype(), DType::uint8);
}

TEST(Reduce, NamesBadAxes) {
  expect_error<InvalidArgument>([] { ops::sum(of({2, 3}), {2}); }, {"sum: axis 2", "(2, 3)"});
  expect_error<InvalidArgument>([] { ops::mean(of({2, 3}), {1, -1}); }, {"mean: an axis is named twice"});
  expect_error<InvalidArgument>([] { ops::max(of({2, 0}), {1}); }, {"max: ", "no elements"});
  expect_error<InvalidArgument>([] { ops::argmax(of({2, 0})); }, {"argmax: ", "no elements"});
  expect_error<InvalidArgument>([] { ops::argmax(of({})); }, {"argmax: axis -1"});
  expect_error<InvalidArgument>([] { ops::max(of({2}, DType::boolean)); }, {"max: ", "bool"});
  expect_error<InvalidArgument>([] { apply(kSum, ReduceAttrs{{1, 0}}, {of({2, 3})}); }, {"ascending"});
  EXPECT_EQ(ops::sum(of({2, 0}), {1}).shape(), (Shape{2}));
}

TEST(Reduce, AttributesAreToldApart) {
  EXPECT_NE(kSum.describe(ReduceAttrs{{0}}), kSum.describe(ReduceAttrs{{1}}));
  EXPECT_NE(kSum.describe(ReduceAttrs{{0}}), kSum.describe(ReduceAttrs{{0}, true}));
  EXPECT_NE(kArgMax.describe(ArgMaxAttrs{0}), kArgMax.describe(ArgMaxAttrs{1}));
}

TEST(Reduce, SumToUndoesABroadcast) {
  const Value x = of({4, 2, 3});
  EXPECT_EQ(ops::sum_to(x, {4, 2, 3}), x);
  EXPECT_EQ(ops::sum_to(x, {2, 1}).shape(), (Shape{2, 1}));
  EXPECT_EQ(ops::sum_to(x, {}).shape(), Shape{});
  EXPECT_EQ(ops::sum_to(x, {1, 2, 3}).shape(), (Shape{1, 2, 3}));
  expect_error<InvalidArgument>([&] { ops::sum_to(x, {4, 2, 5}); }, {"sum_to", "(4, 2, 5)"});
}

}  // namespace
}  // namespace keratin
