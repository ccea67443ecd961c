#include <cstring>

#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/matmul.h"
#include "keratin/core/ops/registry.h"
#include "keratin/core/runtime/device.h"
#include "keratin/core/tensor/errors.h"
#include "tests/backends/reference/fixture.h"

namespace keratin::testing {
namespace {

using ReferenceBackendTest = ReferenceTest;

TEST_F(ReferenceBackendTest, SaysWhatItIs) {
  EXPECT_EQ(device_->info().name, "reference:0");
  EXPECT_TRUE(device_->shares_host_memory());
  EXPECT_THROW(open_device("reference:1"), DeviceNotFound);
}

TEST_F(ReferenceBackendTest, CountsItsMemory) {
  const MemoryInfo before = device_->memory();
  void* memory = device_->allocate(1000);
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % kSlotAlignment, 0u);
  EXPECT_EQ(device_->memory().used, before.used + 1024);
  EXPECT_EQ(device_->memory().free, before.free - 1024);
  device_->release(memory);
  EXPECT_EQ(device_->memory().used, before.used);
  void* nothing = device_->allocate(0);
  EXPECT_NE(nothing, nullptr);
  device_->release(nothing);
  EXPECT_THROW(device_->allocate(std::size_t{1} << 62), OutOfMemory);
  EXPECT_THROW(device_->allocate(~std::size_t{0}), OutOfMemory);
}

TEST_F(ReferenceBackendTest, RefusesAPlanAboveTheLimit) {
  HandMadePlan plan;
  const int x = plan.input(Tensor({1024}, DType::float64));
  plan.step("exp", {}, {x}, {plan.output({{1024}, DType::float64})});
  device_->set_memory_limit(device_->memory().used + 10000);
  EXPECT_THROW(plan.run(device_), OutOfMemory);
  device_->set_memory_limit(0);
  EXPECT_EQ(plan.run(device_)[0].at({0}), 1.0);
}

TEST_F(ReferenceBackendTest, UnwrittenMemoryIsNan) {
  HandMadePlan plan;
  plan.step("stop_gradient", {}, {plan.scratch({{2}, DType::float32})}, {plan.output({{2}, DType::float32})});
  expect_values(plan.run(device_)[0], {kNan, kNan});
}

TEST_F(ReferenceBackendTest, RunsStepsInOrderAndKeepsVariables) {
  auto variable = std::make_shared<VariableState>("w", Shape{2, 2}, DType::float64, [] { return ramp({2, 2}); });
  HandMadePlan plan;
  const int w = plan.variable(variable, true), x = plan.input(ramp({2, 2}, 1, 0));
  const int two = plan.constant(doubles({}, {2})), sum = plan.scratch({{2, 2}, DType::float64});
  const int product = plan.output({{2, 2}, DType::float64});
  plan.step("add", {}, {w, x}, {sum});
  plan.step("matmul", MatMulAttrs{.transpose_b = true}, {sum, x}, {product});
  plan.step("multiply", {}, {sum, two}, {sum});
  plan.step("assign", {}, {sum}, {w});
  expect_values(plan.run(device_)[0], {5, 5, 9, 9});
  expect_values(variable->value(), {4, 6, 8, 10});
  expect_values(plan.run(device_)[0], {12, 12, 20, 20});  // from the variable's new value
  EXPECT_EQ(variable->device_copy()->device(), "reference:0");
}

TEST_F(ReferenceBackendTest, DescribesAndTimesItsSteps) {
  HandMadePlan plan;
  plan.step("exp", {}, {plan.input(doubles({1}, {0}))}, {plan.output({{1}, DType::float64})});
  PlanInstance instance(plan.plan(), {}, std::make_shared<Arena>(device_));
  instance.write_input(0, doubles({1}, {0}));
  EXPECT_EQ(instance.run_profiled().size(), 1u);
  EXPECT_EQ(instance.read_output(0).item(), 1.0);
  EXPECT_EQ(instance.read_output(0).device(), "reference:0");
  EXPECT_EQ(instance.executable().workspace_bytes(), 0);
  EXPECT_EQ(instance.executable().describe(0), "exp: loops in double");
}

TEST_F(ReferenceBackendTest, RefusesAnOpWithoutAKernel) {
  HandMadePlan plan;
  plan.step("matmul_fused", MatMulFusedAttrs{}, {plan.input(ramp({1, 1})), plan.input(ramp({1, 1}))},
            {plan.output({{1, 1}, DType::float64})});
  try {
    plan.run(device_);
    FAIL() << "no error";
  } catch (const BackendError& error) {
    EXPECT_NE(std::string(error.what()).find("no kernel for op 'matmul_fused'"), std::string::npos) << error.what();
  }
}

TEST_F(ReferenceBackendTest, EveryOpHasAKernelOrADefinition) {
  ASSERT_FALSE(all_ops().empty());
  for (const OpDef* op : all_ops()) {
    if (op == &kInput || op == &kConstant || op == &kRead) continue;  // never a step
    EXPECT_TRUE(device_->supports(op->name, {}, {}, {}) || op->decompose) << op->name;
  }
}

// What the fused kernels of other backends are compared with is the definition, so it must be what runs here.
TEST_F(ReferenceBackendTest, HasNoKernelsForFusedOps) {
  for (const OpDef* op : all_ops()) {
    for (const char* part : {"fused", "softmax", "crossentropy", "update"}) {
      if (op->name.find(part) == std::string_view::npos) continue;
      EXPECT_FALSE(device_->supports(op->name, {}, {}, {})) << op->name;
    }
  }
}

}  // namespace
}  // namespace keratin::testing
