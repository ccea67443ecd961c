#include "keratin/core/ops/update.h"

#include <cmath>

#include "keratin/core/compiler/passes.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/runtime/device.h"
#include "keratin/core/runtime/plan_instance.h"
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

// One step for w = 0.5, g = 2 with slots m = 0.3, v = 0.7, computed by hand from Keras's formulas.
std::vector<double> one_step(const OpDef& update, UpdateAttrs attrs, Values scalars, double decay, int slots) {
  const auto number = [](double value) {
    return std::make_shared<VariableState>("x", Shape{}, DType::float64, [=] { return Tensor::scalar(value); });
  };
  attrs.variables = {number(0.5)};
  attrs.decay = {decay};
  if (slots >= 1) attrs.slots.push_back(number(0.3));
  if (slots >= 2) attrs.slots.push_back(number(0.7));
  const NodePtr node = ops::apply_update(update, attrs, std::move(scalars), {Tensor::scalar(2.0)});
  const auto device = current_device();
  const Program program{.name = "step", .inputs = {}, .outputs = {}, .updates = {node}, .gradients = {}};
  PlanInstance instance(compile(program, *device), compile_options(), std::make_shared<Arena>(device));
  instance.run();
  std::vector<double> result;
  for (const VariablePtr& variable : node->op().written(node->attrs())) result.push_back(variable->value().item());
  return result;
}

void expect_near(const std::vector<double>& got, const std::vector<double>& expected) {
  ASSERT_EQ(got.size(), expected.size());
  // The learning rate is float32.
  for (std::size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], 1e-7) << i;
}

TEST(UpdateValues, AreKerass) {
  expect_near(one_step(kSgdUpdate, {}, {0.125}, 0, 0), {0.5 - 0.25});
  // The decay comes first: 0.5 * (1 - 0.125 * 0.1).
  expect_near(one_step(kSgdUpdate, {}, {0.125}, 0.1, 0), {0.49375 - 0.25});
  // m = 0.9 * 0.3 - 0.25 = 0.02
  expect_near(one_step(kSgdUpdate, {.a = 0.9}, {0.125}, 0, 1), {0.52, 0.02});
  // w += 0.9 * m - 0.25
  expect_near(one_step(kSgdUpdate, {.a = 0.9, .flag = true}, {0.125}, 0, 1), {0.5 + 0.018 - 0.25, 0.02});
  // m = 0.3 + 0.1 * 1.7 = 0.47;  v = 0.7 + 0.01 * 3.3 = 0.733
  const UpdateAttrs adam{.a = 0.9, .b = 0.99, .epsilon = 0.001};
  const double step = 0.47 * 0.0625 / (std::sqrt(0.733) + 0.001);
  expect_near(one_step(kAdamUpdate, adam, {0.125, 0.0625}, 0, 2), {0.5 - step, 0.47, 0.733});
  expect_near(one_step(kAdamUpdate, adam, {0.125, 0.0625}, 0.1, 2), {0.49375 - step, 0.47, 0.733});
  // v = 0.9 * 0.3 + 0.1 * 4 = 0.67
  const double root = 0.25 / std::sqrt(0.67 + 0.001);
  expect_near(one_step(kRmspropUpdate, {.a = 0.9, .epsilon = 0.001}, {0.125}, 0, 1), {0.5 - root, 0.67});
  // m = 0.5 * 0.7 + step
  expect_near(one_step(kRmspropUpdate, {.a = 0.9, .b = 0.5, .epsilon = 0.001}, {0.125}, 0, 2),
              {0.5 - 0.35 - root, 0.67, 0.35 + root});
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
