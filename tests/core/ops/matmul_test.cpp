#include "keratin/core/ops/matmul.h"

#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using testing::expect_error;

Value of(Shape shape, DType dtype = DType::float32) { return input_value("x", {std::move(shape), dtype}); }

TEST(MatMul, MultipliesTheLastAxes) {
  EXPECT_EQ(ops::matmul(of({2, 3}), of({3, 5})).shape(), (Shape{2, 5}));
  EXPECT_EQ(ops::matmul(of({3, 2}), of({5, 3}), {.transpose_a = true, .transpose_b = true}).shape(), (Shape{2, 5}));
  EXPECT_EQ(ops::matmul(of({7, 1, 2, 3}), of({4, 3, 5})).shape(), (Shape{7, 4, 2, 5}));
  EXPECT_EQ(ops::matmul(of({2, 3}), of({4, 3, 5})).shape(), (Shape{4, 2, 5}));
  EXPECT_EQ(ops::matmul(of({0, 3}), of({3, 5})).shape(), (Shape{0, 5}));
  EXPECT_EQ(ops::matmul(of({2, 0}), of({0, 5})).shape(), (Shape{2, 5}));
  EXPECT_EQ(ops::matmul(of({2, 3}), of({3, 5}, DType::float64)).dtype(), DType::float64);
}

TEST(MatMul, LeadingAxesOfAMatrixProductAreOne) {
  const Value y = ops::matmul(of({7, 2, 3}), of({3, 5}));
  EXPECT_EQ(y.shape(), (Shape{7, 2, 5}));
  EXPECT_TRUE(y.node()->is(kReshape));
  EXPECT_EQ(y.node()->input(0).shape(), (Shape{14, 5}));
  EXPECT_EQ(ops::matmul(of({7, 0, 3}), of({3, 5})).shape(), (Shape{7, 0, 5}));
  EXPECT_EQ(ops::matmul(of({7, 2, 3}), of({5, 3}), {.transpose_b = true}).shape(), (Shape{7, 2, 5}));
  EXPECT_EQ(ops::matmul(of({7, 3, 2}), of({3, 5}), {.transpose_a = true}).shape(), (Shape{7, 2, 5}));
}

TEST(MatMul, UnknownSizesPassThrough) {
  EXPECT_EQ(ops::matmul(of({kUnknown, 3}), of({3, 5})).shape(), (Shape{kUnknown, 5}));
  EXPECT_EQ(ops::matmul(of({kUnknown, 2, 3}), of({3, 5})).shape(), (Shape{kUnknown, 2, 5}));
  EXPECT_EQ(ops::matmul(of({kUnknown, kUnknown, 3}), of({3, 5})).shape(), (Shape{kUnknown, kUnknown, 5}));
}

TEST(MatMul, NamesBothShapes) {
  expect_error<InvalidArgument>(
      [] {
        ops::matmul(of({2, 3}), of({4, 5}));
      },
      {"matmul: ", "3 and 4", "(2, 3)", "(4, 5)"});
  expect_error<InvalidArgument>([] { ops::matmul(of({2, 3}), of({3, 5}), {.transpose_b = true}); }, {"(transposed)"});
  expect_error<InvalidArgument>([] { ops::matmul(of({3}), of({3, 5})); }, {"rank 2", "(3,)"});
  expect_error<InvalidArgument>([] { ops::matmul(of({2, 3, 4}), of({5, 4, 3})); }, {"do not broadcast"});
  expect_error<InvalidArgument>([] { ops::matmul(of({2, 3}, DType::int32), of({3, 5}, DType::int32)); }, {"int32"});
}

TEST(MatMul, AttributesAreToldApart) {
  const std::vector<MatMulAttrs> all = {{false, false}, {false, true}, {true, false}, {true, true}};
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(kMatMul.describe(all[i]), kMatMul.describe(all[j]));
  }
  EXPECT_NE(kMatMulFused.describe(MatMulFusedAttrs{.bias = true}), kMatMulFused.describe(MatMulFusedAttrs{}));
  EXPECT_NE(kMatMulFused.describe(MatMulFusedAttrs{.activation = FusedActivation::relu}),
            kMatMulFused.describe(MatMulFusedAttrs{}));
}

TEST(MatMul, FusedChecksTheBias) {
  const MatMulFusedAttrs attrs{.bias = true};
  EXPECT_EQ(apply1(kMatMulFused, attrs, {of({2, 3}), of({3, 5}), of({5})}).shape(), (Shape{2, 5}));
  expect_error<InvalidArgument>(
      [&] {
        apply(kMatMulFused, attrs, {of({2, 3}), of({3, 5}), of({4})});
      },
      {"matmul_fused: the bias", "(5,)", "(4,)"});
  expect_error<InvalidArgument>([&] { apply(kMatMulFused, attrs, {of({2, 3}), of({3, 5})}); }, {"expected 3 inputs"});
}

// dA = dC·Bᵀ and its kin are products with flags, without a transpose op.
TEST(MatMul, GradientsAreSingleProducts) {
  for (bool ta : {false, true}) {
    for (bool tb : {false, true}) {
      const Value a = of(ta ? Shape{3, 2} : Shape{2, 3}), b = of(tb ? Shape{5, 3} : Shape{3, 5});
      const Value c = ops::matmul(a, b, {ta, tb});
      const Value dc = of({2, 5});
      const Values gradients = kMatMul.gradient(*c.node(), std::span<const Value>(&dc, 1));
      EXPECT_TRUE(gradients[0].node()->is(kMatMul));
      EXPECT_TRUE(gradients[1].node()->is(kMatMul));
      EXPECT_EQ(gradients[0].shape(), a.shape());
      EXPECT_EQ(gradients[1].shape(), b.shape());
    }
  }
}

}  // namespace
}  // namespace keratin
