#include "keratin/core/graph/node.h"

#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/ops.h"
#include "keratin/core/tensor/errors.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using testing::expect_error;

TEST(Graph, ErrorsCarryTheOpsName) {
  const Value a = Tensor({2, 3}), b = Tensor({4});
  expect_error<InvalidArgument>([&] { a + b; }, {"add: ", "(2, 3)", "(4,)"});
  expect_error<InvalidArgument>([&] { a + Value(); }, {"empty Value"});
  expect_error<InvalidArgument>([&] { apply(kAdd, {}, {a}); }, {"add: expected 2 inputs, got 1"});
  expect_error<InvalidArgument>([] { constant(Tensor()); }, {"undefined Tensor"});
}

TEST(Graph, UnknownSizesReachWhatDependsOnThem) {
  const Value x = input_value("x", {{kUnknown, 28, 28, 1}, DType::float32});
  EXPECT_EQ((x * 2.0).shape(), (Shape{kUnknown, 28, 28, 1}));
  EXPECT_EQ(ops::flatten(x).shape(), (Shape{kUnknown, 784}));
  EXPECT_EQ(ops::mean(x, {1, 2}).shape(), (Shape{kUnknown, 1}));
  EXPECT_EQ(ops::sum(x, {0}).shape(), (Shape{28, 28, 1}));
  EXPECT_EQ(ops::conv2d(x, Tensor({3, 3, 1, 8})).shape(), (Shape{kUnknown, 26, 26, 8}));
  EXPECT_EQ(ops::concatenate({x, x}, 0).shape(), (Shape{kUnknown, 28, 28, 1}));
}

TEST(Graph, NodesRememberTheScopeTheyWereMadeIn) {
  const Value outside = Tensor({1});
  {
    const ScopeGuard model("model");
    const Value inside = -outside;
    EXPECT_EQ(inside.node()->scope(), "model");
    {
      const ScopeGuard layer("dense");
      EXPECT_EQ((-inside).node()->scope(), "model/dense");
    }
    EXPECT_EQ(ScopeGuard::current(), "model");
  }
  EXPECT_EQ((-outside).node()->scope(), "");
}

TEST(Graph, OrderPutsInputsBeforeUsersAndNodesOnce) {
  const Value x = Tensor({2});
  const Value a = ops::exp(x), b = a * x, c = b + a;
  const Values roots = {c, a};
  const auto order = topological_order(std::span<const Value>(roots));
  ASSERT_EQ(order.size(), 4u);
  EXPECT_EQ(order[0], x.node());
  EXPECT_EQ(order[1], a.node());
  EXPECT_EQ(order[2], b.node());
  EXPECT_EQ(order[3], c.node());
}

// An unrolled loop may be this long; destroying it must not use the stack for each node.
TEST(Graph, LongChainsAreWalkedAndDestroyed) {
  Value x = Tensor::scalar(1.0f);
  for (int i = 0; i < 200000; ++i) x = apply1(kNegative, {}, {x});
  EXPECT_EQ(topological_order(std::span<const Value>(&x, 1)).size(), 200001u);
  x = Value();
}

TEST(Leaves, InputsAreDistinctAndConstantsKeepTheirTensor) {
  const Spec spec{{kUnknown, 3}, DType::int32};
  const Value a = input_value("a", spec), b = input_value("a", spec);
  EXPECT_NE(a, b);
  EXPECT_EQ(a.spec(), spec);
  const Tensor t({2}, {1.0f, 2.0f});
  EXPECT_EQ(constant(t).tensor().raw(), t.raw());
}

TEST(Leaves, AssignChecksShapeAndDType) {
  const auto variable = std::make_shared<VariableState>("w", Shape{2}, DType::float32, [] { return Tensor({2}); });
  EXPECT_EQ(read(variable).spec(), (Spec{{2}, DType::float32}));
  const NodePtr node = assign(variable, Tensor({2}));
  EXPECT_EQ(node->op().effect, Effect::writes);
  EXPECT_EQ(node->op().written(node->attrs()), std::vector<VariablePtr>{variable});
  expect_error<InvalidArgument>([&] { assign(variable, Tensor({3})); }, {"assign: variable w", "(2,)", "(3,)"});
  expect_error<InvalidArgument>([&] { assign(variable, Tensor({2}, DType::float64)); }, {"float64"});
}

TEST(Leaves, NumbersReadBackEqual) {
  EXPECT_EQ(format_number(0.1), "0.1");
  EXPECT_EQ(format_number(-2), "-2");
  for (double number : {1.0 / 3, 1e-300, 123456789.125}) EXPECT_EQ(std::stod(format_number(number)), number);
}

}  // namespace
}  // namespace keratin
