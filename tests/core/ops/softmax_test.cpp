#include "keratin/core/ops/softmax.h"

#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using testing::expect_error;

Value of(Shape shape, DType dtype = DType::float32) { return input_value("x", {std::move(shape), dtype}); }

TEST(Softmax, RunsAlongAnyAxis) {
  const Value x = of({2, 3, 5});
  EXPECT_TRUE(ops::softmax(x).node()->is(kSoftmax));
  EXPECT_TRUE(ops::softmax(x, 2).node()->is(kSoftmax));
  EXPECT_TRUE(ops::softmax(x, 0).node()->is(kTranspose));
  EXPECT_EQ(ops::softmax(x, 0).shape(), x.shape());
  EXPECT_EQ(ops::log_softmax(x, -2).shape(), x.shape());
  EXPECT_EQ(ops::softmax(of({kUnknown, 5})).shape(), (Shape{kUnknown, 5}));
  EXPECT_EQ(ops::softmax(of({5}, DType::int32)).dtype(), DType::float32);
  expect_error<InvalidArgument>([&] { ops::softmax(x, 3); }, {"softmax: axis 3"});
  expect_error<InvalidArgument>([] { ops::softmax(of({})); }, {"softmax: ", "()"});
  expect_error<InvalidArgument>([] { ops::log_softmax(of({2, 0})); }, {"log_softmax: ", "(2, 0)"});
  expect_error<InvalidArgument>([] { apply(kSoftmaxGrad, {}, {of({2}), of({3})}); }, {"softmax_grad: ", "(3,)"});
}

TEST(SparseCrossentropy, TakesLabelsAsTheyCome) {
  const Value x = of({4, 10});
  for (DType dtype : {DType::int32, DType::int64, DType::uint8, DType::float32}) {
    EXPECT_EQ(ops::sparse_categorical_crossentropy(of({4}, dtype), x).spec(), (Spec{{4}, DType::float32}));
    EXPECT_EQ(ops::sparse_categorical_crossentropy(of({4, 1}, dtype), x).shape(), (Shape{4}));
  }
  EXPECT_EQ(ops::sparse_categorical_crossentropy(of({2, 3}, DType::int32), of({2, 3, 7})).shape(), (Shape{2, 3}));
  EXPECT_EQ(ops::sparse_categorical_crossentropy(of({kUnknown}, DType::int32), of({kUnknown, 7})).shape(),
            (Shape{kUnknown}));
  expect_error<InvalidArgument>([&] { ops::sparse_categorical_crossentropy(of({5}, DType::int32), x); },
                                {"sparse_crossentropy: ", "(4, 10)", "(5,)"});
  expect_error<InvalidArgument>(
      [&] {
        ops::sparse_categorical_crossentropy(of({4, 10}, DType::int32), x);
      },
      {"(4, 10)"});
  EXPECT_NE(kSparseCrossentropy.describe(SparseCrossentropyAttrs{true}),
            kSparseCrossentropy.describe(SparseCrossentropyAttrs{false}));
}

TEST(Crossentropy, OneHotAddsAnAxis) {
  EXPECT_EQ(ops::one_hot(of({4}, DType::int64), 10).spec(), (Spec{{4, 10}, DType::float32}));
  EXPECT_EQ(ops::one_hot(of({kUnknown}, DType::uint8), 3, DType::boolean).spec(),
            (Spec{{kUnknown, 3}, DType::boolean}));
  expect_error<InvalidArgument>([] { ops::one_hot(of({4}, DType::int64), -1); }, {"iota: "});
}

TEST(Crossentropy, DenseTargetsNeedTheShape) {
  EXPECT_EQ(ops::categorical_crossentropy(of({4, 3}, DType::int32), of({4, 3})).shape(), (Shape{4}));
  expect_error<InvalidArgument>(
      [] {
        ops::categorical_crossentropy(of({4}), of({4, 3}));
      },
      {"categorical_crossentropy", "(4,)", "(4, 3)", "sparse"});
  EXPECT_EQ(ops::binary_crossentropy(of({4, 1}, DType::uint8), of({4, 1})).spec(), (Spec{{4, 1}, DType::float32}));
  EXPECT_EQ(ops::binary_crossentropy(of({4, 1}), of({4, 1}), true).shape(), (Shape{4, 1}));
}

}  // namespace
}  // namespace keratin
