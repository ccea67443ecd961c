#include "keratin/core/ops/update.h"

#include "keratin/core/graph/leaves.h"
#include "keratin/core/tensor/errors.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using testing::expect_error;

VariablePtr variable(std::string path, Shape shape) {
  return std::make_shared<VariableState>(std::move(path), shape, DType::float32, [shape] { return Tensor(shape); });
}
Value of(Shape shape) { return input_value("g", {std::move(shape), DType::float32}); }

struct Two {
  VariablePtr w = variable("w", {2, 3}), b = variable("b", {3});
  VariablePtr mw = variable("mw", {2, 3}), mb = variable("mb", {3});
  UpdateAttrs momentum{.variables = {w, b}, .slots = {mw, mb}, .decay = {0, 0}, .a = 0.9};
  Values gradients = {of({2, 3}), of({3})};
};

TEST(Update, WritesVariablesThenSlots) {
  const Two t;
  const NodePtr node = ops::apply_update(kSgdUpdate, t.momentum, {0.1}, t.gradients);
  EXPECT_EQ(node->op().written(node->attrs()), (std::vector<VariablePtr>{t.w, t.b, t.mw, t.mb}));
  ASSERT_EQ(node->outputs().size(), 4u);
  EXPECT_EQ(node->outputs()[1].shape, (Shape{3}));
  EXPECT_EQ(node->outputs()[2].shape, (Shape{2, 3}));
}

TEST(Update, DecomposesIntoOneAssignForEachVariable) {
  const Two t;
  const NodePtr node = ops::apply_update(kSgdUpdate, t.momentum, {0.1}, t.gradients);
  const Values outputs = node->op().decompose(*node, node->inputs());
  const auto written = node->op().written(node->attrs());
  ASSERT_EQ(outputs.size(), written.size());
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    ASSERT_TRUE(outputs[i].node()->is(kAssign));
    EXPECT_EQ(outputs[i].node()->attrs_as<AssignAttrs>().variable, written[i]);
  }
}

TEST(Update, NamesWhatDoesNotFit) {
  Two t;
  expect_error<InvalidArgument>(
      [&] {
        ops::apply_update(kSgdUpdate, t.momentum, {0.1}, {of({2, 3}), of({4})});
      },
      {"sgd_update: the gradient of variable b", "(3,)", "(4,)"});
  expect_error<InvalidArgument>(
      [&] {
        ops::apply_update(kSgdUpdate, t.momentum, {0.1}, {of({2, 3})});
      },
      {"expected 3 inputs"});
  expect_error<InvalidArgument>([&] { ops::apply_update(kSgdUpdate, t.momentum, {of({1})}, t.gradients); },
                                {"scalar 0", "(1,)"});
  expect_error<InvalidArgument>([&] { ops::apply_update(kSgdUpdate, {}, {0.1}, {}); }, {"no variables"});
  UpdateAttrs no_slots = t.momentum;
  no_slots.slots.clear();
  expect_error<InvalidArgument>([&] { ops::apply_update(kSgdUpdate, no_slots, {0.1}, t.gradients); },
                                {"1 slots", "got 0 slots"});
  UpdateAttrs swapped = t.momentum;
  std::swap(swapped.slots[0], swapped.slots[1]);
  expect_error<InvalidArgument>([&] { ops::apply_update(kSgdUpdate, swapped, {0.1}, t.gradients); },
                                {"a slot of variable w"});
  expect_error<InvalidArgument>(
      [&] {
        ops::apply_update(kAdamUpdate, t.momentum, {0.1, 0.1}, t.gradients);
      },
      {"adam_update: ", "2 slots"});
}

TEST(Update, AttributesAreToldApart) {
  const Two t;
  const std::string base = kSgdUpdate.describe(t.momentum);
  UpdateAttrs other = t.momentum;
  other.flag = true;
  EXPECT_NE(kSgdUpdate.describe(other), base);
  other = t.momentum;
  other.decay[1] = 0.01;
  EXPECT_NE(kSgdUpdate.describe(other), base);
  other = t.momentum;
  std::swap(other.slots, other.variables);
  EXPECT_NE(kSgdUpdate.describe(other), base);
}

}  // namespace
}  // namespace keratin
