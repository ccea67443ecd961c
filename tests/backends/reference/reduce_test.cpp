#include "keratin/core/ops/reduce.h"

#include "tests/backends/reference/fixture.h"

namespace keratin::testing {
namespace {

class ReferenceReduce : public ReferenceTest {
 protected:
  Tensor reduce(std::string_view op, const Tensor& x, std::vector<int> axes, Shape result, bool keepdims = false) {
    return run(op, ReduceAttrs{std::move(axes), keepdims}, {x}, {std::move(result), x.dtype()});
  }
};

TEST_F(ReferenceReduce, Axes) {
  const Tensor x = ramp({2, 3, 2});  // 1 ... 12
  expect_values(reduce("sum", x, {0}, {3, 2}), {8, 10, 12, 14, 16, 18});
  expect_values(reduce("sum", x, {1}, {2, 2}), {9, 12, 27, 30});
  expect_values(reduce("sum", x, {0, 2}, {3}), {18, 26, 34});
  expect_values(reduce("sum", x, {0, 2}, {1, 3, 1}, true), {18, 26, 34});
  expect_values(reduce("sum", x, {0, 1, 2}, {}), {78});
  expect_values(reduce("sum", x, {}, {2, 3, 2}), {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
}

TEST_F(ReferenceReduce, Folds) {
  const Tensor x = doubles({2, 3}, {3, -1, 2, -5, 4, 0.5});
  expect_values(reduce("mean", x, {1}, {2}), {4.0 / 3, -0.5 / 3});
  expect_values(reduce("max", x, {1}, {2}), {3, 4});
  expect_values(reduce("min", x, {1}, {2}), {-1, -5});
  expect_values(reduce("prod", x, {1}, {2}), {-6, -10});
  expect_values(reduce("max", doubles({3}, {1, kNan, 2}), {0}, {}), {kNan});
  expect_values(reduce("min", doubles({3}, {1, kNan, 2}), {0}, {}), {kNan});
  expect_values(reduce("max", doubles({2}, {-kInfinity, -kInfinity}), {0}, {}), {-kInfinity});
  expect_values(reduce("sum", Tensor({0, 2}, DType::float64), {0}, {2}), {0, 0});
}

TEST_F(ReferenceReduce, IntegersAreExact) {
  const std::int64_t big = (std::int64_t{1} << 53) + 1;
  EXPECT_EQ(reduce("sum", longs({2}, {big, 2}), {0}, {}).values<std::int64_t>()[0], big + 2);
  EXPECT_EQ(reduce("max", longs({2}, {big, big - 1}), {0}, {}).values<std::int64_t>()[0], big);
  const Tensor flags(Shape{4}, {true, true, false, true});
  expect_values(run("sum", ReduceAttrs{{0}, false}, {flags}, {Shape{}, DType::int32}), {3});
  expect_values(run("mean", ReduceAttrs{{0}, false}, {ints({2}, {1, 2})}, {Shape{}, DType::float32}), {1.5});
}

TEST_F(ReferenceReduce, ArgMaxIsTheFirst) {
  auto argmax = [&](const Tensor& x, int axis, Shape result) {
    return run("argmax", ArgMaxAttrs{axis}, {x}, {std::move(result), DType::int32});
  };
  const Tensor x = doubles({2, 3}, {1, 5, 5, 7, 7, 2});
  expect_values(argmax(x, 1, {2}), {1, 0});
  expect_values(argmax(x, 0, {3}), {1, 1, 0});
  expect_values(argmax(ramp({2, 2, 2}), 1, {2, 2}), {1, 1, 1, 1});
  expect_values(argmax(doubles({3}, {1, kNan, 9}), 0, {}), {1});
  const std::int64_t big = std::int64_t{1} << 53;
  expect_values(argmax(longs({2}, {big, big + 1}), 0, {}), {1});
}

}  // namespace
}  // namespace keratin::testing
