// The order of steps and the place of every byte.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "keratin/core/compiler/passes.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/ops.h"
#include "keratin/core/runtime/device.h"
#include "keratin/core/runtime/plan_instance.h"
#include "tests/core/compiler/stub_backend.h"

namespace keratin {
namespace {

using testing::has_op;
using testing::op_names;

VariablePtr scalar_variable(const std::string& name, float value) {
  return std::make_shared<VariableState>(name, Shape{}, DType::float32, [value] { return Tensor::scalar(value); });
}

// No two values that are needed at the same time may share memory, except where one step computes in place.
void check_no_overlap(const Plan& plan) {
  struct Life {
    std::int64_t begin, end;
    int first, last;
    int slot;
  };
  std::map<int, Life> lives;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    auto touch = [&](int slot) {
      const Slot& s = plan.slots[static_cast<std::size_t>(slot)];
      if (s.region != Region::scratch) return;
      auto [it, fresh] =
          lives.try_emplace(slot, Life{s.offset, s.offset + s.bytes(), static_cast<int>(i), static_cast<int>(i), slot});
      it->second.last = static_cast<int>(i);
    };
    for (int slot : plan.steps[i].inputs) touch(slot);
    for (int slot : plan.steps[i].outputs) touch(slot);
  }
  for (const auto& [a, first] : lives) {
    EXPECT_LE(first.end, plan.scratch_bytes);
    for (const auto& [b, second] : lives) {
      if (a >= b || first.end <= second.begin || second.end <= first.begin) continue;
      // Views (reshape) and in-place results have exactly the operand's offset.
      if (first.begin == second.begin) continue;
      const bool apart = first.last < second.first || second.last < first.first;
      EXPECT_TRUE(apart) << "slots " << a << " and " << b << " overlap";
    }
  }
}

TEST(Place, ValuesThatLiveTogetherDoNotOverlap) {
  const Value x = input_value("x", {{16, 64}, DType::float32});
  Value sum;
  Values kept;
  for (int i = 0; i < 6; ++i) {
    const Value branch = ops::matmul(x, constant(Tensor::full({64, 8 + 16 * i}, 0.5)));
    kept.push_back(branch);
  }
  for (const Value& branch : kept) {
    const Value part = ops::sum(ops::exp(branch));
    sum = sum ? sum + part : part;
  }
  const Plan plan =
      compile({.name = "p", .inputs = {x}, .outputs = {sum}, .updates = {}, .gradients = {}}, testing::StubBackend());
  check_no_overlap(plan);
  // Six branches of 16 x (8 + 16 i) floats need not all be kept at once.
  std::int64_t all = 0;
  for (int i = 0; i < 6; ++i) all += 2 * 16 * (8 + 16 * i) * 4;
  EXPECT_LT(plan.scratch_bytes, all);
}

// So that steps of which neither needs the other may overlap.
TEST(Place, SmallValuesShareTheirPlaceWithNoOther) {
  const Value x = input_value("x", {{4, 8}, DType::float32});
  Value last = x;
  for (int i = 0; i < 5; ++i) last = ops::matmul(last, constant(Tensor::full({8, 8}, 0.5)));
  const Program program{.name = "p", .inputs = {x}, .outputs = {last}, .updates = {}, .gradients = {}};
  const auto places = [&](std::int64_t unshared_bytes) {
    const Plan plan = place(program, {.unshared_bytes = unshared_bytes});
    check_no_overlap(plan);
    std::set<std::int64_t> offsets;
    for (const Slot& slot : plan.slots) {
      if (slot.region == Region::scratch) offsets.insert(slot.offset);
    }
    return offsets.size();
  };
  EXPECT_EQ(places(0), 2u) << "each product needs the one before";
  EXPECT_EQ(places(4 * 8 * 4 - 1), 2u);
  EXPECT_EQ(places(4096), 5u);
}

TEST(Place, ElementWiseStepsComputeInPlace) {
  const Value x = input_value("x", {{1000}, DType::float32});
  const Value y = ops::exp(ops::square(ops::exp(x)));
  const Plan plan =
      compile({.name = "p", .inputs = {x}, .outputs = {y}, .updates = {}, .gradients = {}}, testing::StubBackend());
  EXPECT_EQ(plan.scratch_bytes, 4096);  // one buffer of 4000 bytes, rounded up
}

// A broadcast operand is read again after its first element was written.
TEST(Place, BroadcastOperandIsNotOverwritten) {
  const Value x = input_value("x", {{1}, DType::float32});
  const Value big = input_value("big", {{32}, DType::float32});
  const Value y = ops::add(ops::exp(x), big);
  const Plan plan = compile({.name = "p", .inputs = {x, big}, .outputs = {y}, .updates = {}, .gradients = {}},
                            testing::StubBackend());
  for (const Step& step : plan.steps) {
    if (step.op != "add") continue;
    const Slot& operand = plan.slots[static_cast<std::size_t>(step.inputs[0])];
    const Slot& result = plan.slots[static_cast<std::size_t>(step.outputs[0])];
    EXPECT_NE(operand.offset, result.offset);
  }
}

TEST(Place, ReshapeSharesMemoryAndIsNoStep) {
  const Value x = input_value("x", {{4, 6}, DType::float32});
  const Value y = ops::exp(ops::reshape(ops::exp(x), {24}));
  const Plan plan =
      compile({.name = "p", .inputs = {x}, .outputs = {y}, .updates = {}, .gradients = {}}, testing::StubBackend());
  EXPECT_FALSE(has_op(plan, "reshape"));
  EXPECT_EQ(plan.scratch_bytes, 256);
}

TEST(Place, WritesComeLastAndOncePerVariable) {
  const VariablePtr w = scalar_variable("w", 2);
  const Value x = input_value("x", {{}, DType::float32});
  const Value y = read(w) * x;
  const Plan plan =
      compile({.name = "p", .inputs = {x}, .outputs = {y}, .updates = {assign(w, read(w) + 1.0)}, .gradients = {}},
              testing::StubBackend());
  EXPECT_EQ(op_names(plan).back(), "assign");
  ASSERT_EQ(plan.variables.size(), 1u);
  EXPECT_TRUE(plan.variable_written[0]);
}

// Reads see the values of the step's start, whatever the order of the writes.
TEST(Place, VariablesCanBeExchanged) {
  const std::shared_ptr<Backend> device = open_device("cpu");
  const VariablePtr a = scalar_variable("a", 1), b = scalar_variable("b", 2), c = scalar_variable("c", 3);
  const Program rotate{.name = "rotate",
                       .inputs = {},
                       .outputs = {read(a)},
                       .updates = {assign(a, read(b)), assign(b, read(c)), assign(c, read(a))},
                       .gradients = {}};
  PlanInstance instance(compile(rotate, *device), {}, std::make_shared<Arena>(device));
  instance.run();
  EXPECT_EQ(instance.read_output(0).item(), 1);  // the old value
  EXPECT_EQ(a->value().item(), 2);
  EXPECT_EQ(b->value().item(), 3);
  EXPECT_EQ(c->value().item(), 1);
  instance.run();
  EXPECT_EQ(a->value().item(), 3);
}

TEST(Place, InputThatIsNotFedIsAnError) {
  const Value x = input_value("picture", {{2}, DType::float32});
  try {
    compile({.name = "p", .inputs = {}, .outputs = {ops::exp(x)}, .updates = {}, .gradients = {}},
            testing::StubBackend());
    FAIL() << "expected an error";
  } catch (const InvalidArgument& error) {
    EXPECT_NE(std::string(error.what()).find("picture"), std::string::npos);
  }
}

}  // namespace
}  // namespace keratin
