#include "keratin/core/ops/elementwise.h"

#include "keratin/core/ops/activations.h"
#include "keratin/core/tensor/errors.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using testing::expect_error;

Value of(DType dtype, Shape shape = {2, 3}) { return input_value("x", {std::move(shape), dtype}); }

TEST(Elementwise, PromotesToTheWiderDType) {
  EXPECT_EQ(promote(DType::float32, DType::int64), DType::float32);
  EXPECT_EQ(promote(DType::float64, DType::float32), DType::float64);
  EXPECT_EQ(promote(DType::uint8, DType::int32), DType::int32);
  EXPECT_EQ(promote(DType::boolean, DType::uint8), DType::uint8);
  EXPECT_EQ((of(DType::int32) + of(DType::float32)).dtype(), DType::float32);
  EXPECT_EQ((of(DType::int32) * of(DType::int64)).dtype(), DType::int64);
  EXPECT_EQ(ops::maximum(of(DType::float64), of(DType::float32)).dtype(), DType::float64);
  EXPECT_EQ(ops::equal(of(DType::float32), of(DType::int32)).dtype(), DType::boolean);
}

TEST(Elementwise, EqualDTypesAreNotCast) {
  const Value a = of(DType::float32), b = of(DType::float32);
  const Value sum = a + b;
  EXPECT_EQ(sum.node()->input(0), a);
  EXPECT_EQ(sum.node()->input(1), b);
  EXPECT_EQ(ops::cast(a, DType::float32), a);
}

TEST(Elementwise, NumbersTakeTheirPartnersDType) {
  for (DType dtype : {DType::float32, DType::float64, DType::int32, DType::int64, DType::uint8}) {
    const Value x = of(dtype);
    EXPECT_EQ((x * 2.0).dtype(), dtype);
    EXPECT_EQ((2.0 - x).dtype(), dtype);
    EXPECT_EQ((x * 2.0).node()->input(0), x);  // the tensor itself is not cast
    EXPECT_EQ(ops::where(of(DType::boolean), x, 0.0).dtype(), dtype);
    EXPECT_EQ(ops::greater(x, 1.0).node()->input(1).dtype(), dtype);
  }
  // In full precision, not by way of float32.
  const Value tenth = (of(DType::float64) * 0.1).node()->input(1);
  EXPECT_EQ(tenth.node()->attrs_as<ConstantAttrs>().value.item(), 0.1);
}

TEST(Elementwise, NumbersThatDoNotFitWidenTheTensor) {
  EXPECT_EQ((of(DType::int32) * 0.5).dtype(), DType::float32);
  EXPECT_EQ((of(DType::uint8) * (1.0 / 255)).dtype(), DType::float32);
  EXPECT_EQ((of(DType::uint8) - 300.0).dtype(), DType::int32);
  EXPECT_EQ((of(DType::uint8) * -1.0).dtype(), DType::int32);
  EXPECT_EQ((of(DType::int32) + 4e9).dtype(), DType::int64);
  EXPECT_EQ((of(DType::int64) + 1e30).dtype(), DType::float32);
  EXPECT_EQ((of(DType::boolean) * 1.0).dtype(), DType::float32);
}

TEST(Elementwise, TwoNumbersAreFloat32) {
  EXPECT_EQ((Value(2.0) * 3.0).spec(), (Spec{{}, DType::float32}));
  EXPECT_EQ(ops::exp(1.0).spec(), (Spec{{}, DType::float32}));
}

TEST(Elementwise, IntegersAreDividedAsFloats) {
  EXPECT_EQ((of(DType::int32) / of(DType::int32)).dtype(), DType::float32);
  EXPECT_EQ((of(DType::int64) / 2.0).dtype(), DType::float32);
  EXPECT_EQ(ops::power(of(DType::int32), 2.0).dtype(), DType::float32);
  EXPECT_EQ((of(DType::float64) / of(DType::int32)).dtype(), DType::float64);
}

TEST(Elementwise, ShapesBroadcast) {
  EXPECT_EQ((of(DType::float32, {4, 1, 3}) + of(DType::float32, {2, 1})).shape(), (Shape{4, 2, 3}));
  EXPECT_EQ(ops::where(of(DType::boolean, {4, 1}), of(DType::float32, {3}), 1.0).shape(), (Shape{4, 3}));
  EXPECT_EQ((of(DType::float32, {0, 3}) * of(DType::float32, {3})).shape(), (Shape{0, 3}));
  EXPECT_EQ((of(DType::float32, {kUnknown, 3}) * of(DType::float32, {3})).shape(), (Shape{kUnknown, 3}));
  expect_error<InvalidArgument>([] { ops::multiply(of(DType::float32, {2}), of(DType::float32, {3})); },
                                {"multiply: ", "(2,)", "(3,)"});
}

TEST(Elementwise, WrongDTypesAreNamed) {
  expect_error<InvalidArgument>([] { ops::exp(of(DType::int32)); }, {"exp: ", "int32", "ops::cast"});
  expect_error<InvalidArgument>([] { ops::negative(of(DType::boolean)); }, {"negative: ", "bool"});
  expect_error<InvalidArgument>([] { of(DType::boolean) + of(DType::boolean); }, {"add: ", "bool"});
  expect_error<InvalidArgument>([] { ops::logical_and(of(DType::boolean), of(DType::float32)); },
                                {"logical_and: ", "float32"});
  expect_error<InvalidArgument>([] { ops::logical_not(of(DType::int32)); }, {"logical_not: ", "int32"});
  expect_error<InvalidArgument>([] { apply(kAdd, {}, {of(DType::int32), of(DType::float32)}); }, {"one dtype"});
  EXPECT_EQ(ops::abs(of(DType::int32)).dtype(), DType::int32);
  EXPECT_EQ(ops::isfinite(of(DType::float64)).dtype(), DType::boolean);
}

TEST(Elementwise, GradientOpsWantEqualShapes) {
  expect_error<InvalidArgument>(
      [] {
        apply(kReluGrad, {}, {of(DType::float32, {2}), of(DType::float32, {3})});
      },
      {"relu_grad: ", "(2,)", "(3,)"});
}

TEST(Elementwise, ClipWantsAnInterval) {
  EXPECT_EQ(ops::clip(of(DType::int32), 0, 5).dtype(), DType::int32);
  expect_error<InvalidArgument>([] { ops::clip(of(DType::float32), 1, 0.5); }, {"clip", "low 1", "high 0.5"});
}

TEST(Elementwise, CastsAreToldApart) {
  EXPECT_NE(kCast.describe(CastAttrs{DType::int32}), kCast.describe(CastAttrs{DType::int64}));
  EXPECT_EQ(ops::cast(of(DType::uint8), DType::float32).spec(), (Spec{{2, 3}, DType::float32}));
}

TEST(Activations, KeepShapesAndTakeIntegers) {
  for (auto* function : {ops::relu6, ops::selu, ops::softsign, ops::silu, ops::hard_tanh, ops::hard_sigmoid,
                         ops::hard_silu, ops::mish, ops::log_sigmoid}) {
    EXPECT_EQ(function(of(DType::float64)).spec(), (Spec{{2, 3}, DType::float64}));
    EXPECT_EQ(function(of(DType::int32)).dtype(), DType::float32);
    EXPECT_EQ(function(of(DType::float32, {kUnknown, 4})).shape(), (Shape{kUnknown, 4}));
  }
}

}  // namespace
}  // namespace keratin
