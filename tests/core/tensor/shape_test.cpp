#include "keratin/core/tensor/shape.h"

#include <limits>

#include "keratin/core/tensor/dtype.h"
#include "keratin/core/tensor/errors.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using testing::expect_error;

TEST(Shape, CountsAxesFromBothEnds) {
  Shape s{2, 3, 5};
  EXPECT_EQ(s.rank(), 3);
  EXPECT_EQ(s[0], 2);
  EXPECT_EQ(s[-1], 5);
  s[-2] = 7;
  EXPECT_EQ(s, (Shape{2, 7, 5}));
  EXPECT_EQ(s.normalize_axis(-3), 0);
  expect_error<InvalidArgument>([&] { s.normalize_axis(3); }, {"axis 3", "(2, 7, 5)"});
  expect_error<InvalidArgument>([&] { s.normalize_axis(-4); }, {"axis -4"});
}

TEST(Shape, SizeKnowsScalarsEmptinessUnknownsAndOverflow) {
  EXPECT_EQ(Shape{}.size(), 1);
  EXPECT_EQ((Shape{3, 4}).size(), 12);
  EXPECT_EQ((Shape{3, 0, 4}).size(), 0);
  EXPECT_EQ((Shape{kUnknown, 4}).size(), kUnknown);
  EXPECT_FALSE((Shape{kUnknown, 4}).is_known());
  EXPECT_TRUE(Shape{}.is_known());
  const std::int64_t big = std::numeric_limits<std::int64_t>::max() / 2;
  expect_error<InvalidArgument>([&] { (void)(Shape{big, 3}).size(); }, {"64-bit"});
}

TEST(Shape, SlicesAndJoins) {
  const Shape s{2, 3, 5, 7};
  EXPECT_EQ(s.slice(1, 3), (Shape{3, 5}));
  EXPECT_EQ(s.slice(0, -2), (Shape{2, 3}));
  EXPECT_EQ(s.slice(-1, 4), (Shape{7}));
  EXPECT_EQ(s.slice(3, 1), Shape{});
  EXPECT_EQ(s.slice(1, 2).concat({9}), (Shape{3, 9}));
}

TEST(Shape, ReadsAsInKeras) {
  EXPECT_EQ((Shape{32, 784}).to_string(), "(32, 784)");
  EXPECT_EQ((Shape{kUnknown, 28, 28, 1}).to_string(), "(None, 28, 28, 1)");
  EXPECT_EQ(Shape{}.to_string(), "()");
  EXPECT_EQ((Shape{10}).to_string(), "(10,)");
}

TEST(Shape, BroadcastsAsInNumPy) {
  EXPECT_EQ(broadcast({2, 3}, {3}), (Shape{2, 3}));
  EXPECT_EQ(broadcast({2, 1, 4}, {3, 1}), (Shape{2, 3, 4}));
  EXPECT_EQ(broadcast({}, {5}), (Shape{5}));
  EXPECT_EQ(broadcast({1}, {0}), (Shape{0}));
  expect_error<InvalidArgument>([] { broadcast({2, 3}, {2, 4}); }, {"(2, 3)", "(2, 4)", "axis -1"});
}

TEST(DType, NamesGoBothWays) {
  for (DType dtype : {DType::float32, DType::float64, DType::int32, DType::int64, DType::uint8, DType::boolean}) {
    EXPECT_EQ(dtype_from_name(name_of(dtype)), dtype);
    EXPECT_EQ(visit_dtype(dtype, []<class T>() { return sizeof(T); }), size_of(dtype));
    EXPECT_EQ(visit_dtype(dtype, []<class T>() { return dtype_of<T>; }), dtype);
  }
  expect_error<InvalidArgument>([] { dtype_from_name("flaot32"); }, {"flaot32", "did you mean 'float32'?"});
}

}  // namespace
}  // namespace keratin
