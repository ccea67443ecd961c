// Every row of the op table, on every device: values, gradients, and kernels against decompositions.
#include <cstdlib>
#include <set>

#include "keratin/backends/cpu/isa.h"
#include "keratin/core/compiler/autodiff.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/registry.h"
#include "keratin/core/runtime/device.h"
#include "tests/house/command.h"
#include "tests/support/modules.h"
#include "tests/support/op_runner.h"

namespace keratin::testing {
namespace {

constexpr DType kSingle = DType::float32, kDouble = DType::float64;

// How far apart two ways to compute the same in double may be.
constexpr double kDoubleTolerance = 1e-11;
// Central differences of step 1e-5 in double are good to 1e-10 times the third derivative, and rounding adds as much.
constexpr double kStep = 1e-5, kFiniteDifferenceTolerance = 1e-6;
// Of an input only so many elements, spread evenly, are varied.
constexpr std::int64_t kVariedElements = 12;
// Rows with larger inputs are there for threads and loops; smaller ones have shown that the gradient is right.
constexpr std::int64_t kLargeInput = 2000;

std::vector<std::shared_ptr<Backend>> devices() {
  current_device();  // throws when KERATIN_DEVICE names one that is not there
  std::vector<std::shared_ptr<Backend>> result;
  for (const DeviceInfo& info : list_physical_devices()) result.push_back(open_device(info.name));
  if (have_simulated_gpu() && !std::getenv("KERATIN_CPU_ISA")) result.push_back(simulated_gpu());
  return result;
}

std::vector<Tensor> run(const std::shared_ptr<Backend>& device, const OpCase& op_case, const CaseProgram& program,
                        DType floating) {
  return CaseRunner(device, op_case, program).run(make_inputs(op_case, floating));
}

void expect_close(const std::vector<Tensor>& got, const std::vector<Tensor>& expected, double tolerance) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_LE(difference(got[i], expected[i]), tolerance)
        << "output " << i << "\n  got      " << got[i].to_string() << "\n  expected " << expected[i].to_string();
  }
}

// The gradients of the outputs' weighted sum, or of its gradients' weighted sum, as a program.
CaseProgram gradient_program(const CaseProgram& forward, bool twice = false) {
  CaseProgram result = forward;
  result.program.updates.clear();
  result.written.clear();
  Values targets;
  for (int target : forward.targets) targets.push_back(forward.program.inputs[static_cast<std::size_t>(target)]);
  Values& dx = result.program.outputs;
  dx = gradients(weighted_sum(forward.program.outputs), targets);
  for (std::size_t i = 0; i < dx.size(); ++i) {
    EXPECT_TRUE(dx[i]) << "no gradient reaches input " << forward.targets[i];
  }
  if (!twice) return result;
  const Value slope = weighted_sum(dx, 2);
  dx = gradients(slope, targets);
  for (std::size_t i = 0; i < dx.size(); ++i) {
    if (!dx[i]) dx[i] = ops::zeros_like(targets[i]);  // linear in this input
  }
  return result;
}

// The loss whose gradient gradient_program() computes.
CaseProgram loss_program(const CaseProgram& forward, bool twice) {
  CaseProgram result = twice ? gradient_program(forward) : forward;
  result.program.outputs = {weighted_sum(result.program.outputs, twice ? 2 : 1)};
  result.program.updates.clear();
  result.written.clear();
  return result;
}

void check_finite_differences(const OpCase& op_case, bool twice) {
  const std::shared_ptr<Backend> reference = reference_device();
  const CaseProgram forward = make_program(op_case, kDouble);
  std::int64_t largest = 0;
  for (const Operand& operand : op_case.inputs) largest = std::max(largest, operand.shape.size());
  if (forward.targets.empty() || largest > kLargeInput) return;
  const std::vector<Tensor> computed = run(reference, op_case, gradient_program(forward, twice), kDouble);
  CaseRunner loss(reference, op_case, loss_program(forward, twice));
  std::vector<Tensor> inputs = make_inputs(op_case, kDouble);
  for (std::size_t t = 0; t < forward.targets.size(); ++t) {
    Tensor& x = inputs[static_cast<std::size_t>(forward.targets[t])];
    const std::int64_t stride = std::max<std::int64_t>(1, x.size() / kVariedElements);
    for (std::int64_t i = 0; i < x.size(); i += stride) {
      double& element = x.values<double>()[static_cast<std::size_t>(i)];
      const double before = element;
      element = before + kStep;
      const double above = loss.run(inputs)[0].item();
      element = before - kStep;
      const double below = loss.run(inputs)[0].item();
      element = before;
      const double expected = (above - below) / (2 * kStep);
      const double got = computed[t].values<double>()[static_cast<std::size_t>(i)];
      EXPECT_NEAR(got, expected, kFiniteDifferenceTolerance * (1 + std::abs(expected)))
          << "input " << forward.targets[t] << ", element " << i;
    }
  }
}

class OpTable : public ::testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    if (!have_modules()) GTEST_SKIP() << "the reference backend is a module, which a static build does not have";
  }
  template <class Check>
  void for_each_row(Check check) {
    for (const OpCase& op_case : op_cases(GetParam())) {
      SCOPED_TRACE("row '" + op_case.name + "'");
      check(op_case);
    }
  }
  template <class Check>
  void for_each_row_and_device(Check check) {
    for (const std::shared_ptr<Backend>& device : devices()) {
      SCOPED_TRACE("on " + device->info().name + " (" + device->info().description + ")");
      for_each_row([&](const OpCase& op_case) { check(device, op_case); });
    }
  }
};

TEST_P(OpTable, ValuesAreTheReferences) {
  for_each_row_and_device([](const std::shared_ptr<Backend>& device, const OpCase& op_case) {
    const auto expected = run(reference_device(), op_case, make_program(op_case, kDouble), kDouble);
    const CaseProgram program = make_program(op_case, kSingle);
    const auto got = run(device, op_case, program, kSingle);
    expect_close(got, expected, op_case.tolerance);
    for (std::size_t i = 0; i < program.program.outputs.size(); ++i) {
      EXPECT_EQ(got[i].dtype(), program.program.outputs[i].dtype());
      EXPECT_EQ(got[i].shape(), program.program.outputs[i].shape());
    }
  });
}

TEST_P(OpTable, GradientsAreTheReferences) {
  for_each_row_and_device([](const std::shared_ptr<Backend>& device, const OpCase& op_case) {
    const CaseProgram precise = make_program(op_case, kDouble);
    if (precise.targets.empty()) return;
    const auto expected = run(reference_device(), op_case, gradient_program(precise), kDouble);
    const CaseProgram single = make_program(op_case, kSingle);
    expect_close(run(device, op_case, gradient_program(single), kSingle), expected, 4 * op_case.tolerance);
  });
}

TEST_P(OpTable, GradientsAreFiniteDifferences) {
  for_each_row([](const OpCase& op_case) {
    if (op_case.finite_differences) check_finite_differences(op_case, false);
  });
}

TEST_P(OpTable, SecondGradientsAreFiniteDifferences) {
  for_each_row([](const OpCase& op_case) {
    if (op_case.finite_differences && op_case.differentiate_twice) check_finite_differences(op_case, true);
  });
}

TEST_P(OpTable, KernelsAreTheirDecompositions) {
  for_each_row_and_device([](const std::shared_ptr<Backend>& device, const OpCase& op_case) {
    const auto compare = [&](const auto& make) {
      // Made twice: a program may write its variables.
      CaseProgram whole = make(), parts = make();
      parts.program = decomposed(parts.program);
      expect_close(run(device, op_case, whole, kSingle), run(device, op_case, parts, kSingle), op_case.tolerance);
    };
    compare([&] { return make_program(op_case, kSingle); });
    if (make_program(op_case, kSingle).targets.empty()) return;
    compare([&] { return gradient_program(make_program(op_case, kSingle)); });
  });
}

// Devices compute in double as well as the reference.
TEST_P(OpTable, ValuesInDoubleAreTheReferences) {
  for_each_row_and_device([](const std::shared_ptr<Backend>& device, const OpCase& op_case) {
    const auto expected = run(reference_device(), op_case, make_program(op_case, kDouble), kDouble);
    const auto got = run(device, op_case, make_program(op_case, kDouble), kDouble);
    // Rows whose results are float32 whatever the inputs are have no more than float32's precision.
    const bool single =
        std::any_of(expected.begin(), expected.end(), [](const Tensor& t) { return t.dtype() == kSingle; });
    expect_close(got, expected, single ? op_case.tolerance : kDoubleTolerance);
  });
}

INSTANTIATE_TEST_SUITE_P(Families, OpTable, ::testing::ValuesIn(op_families()),
                         [](const auto& family) { return family.param; });

// The CPU's instruction set is chosen once in a process: the other ones get a process each.
TEST(OpTableInstructionSets, TheOtherOnesPassToo) {
  if (!have_modules()) GTEST_SKIP() << "the reference backend is a module, which a static build does not have";
  for (const cpu::Isa isa : cpu::supported_isas()) {
    if (isa == cpu::isa()) continue;
    const std::string name(cpu::name_of(isa));
    const house::CommandResult result =
        house::run_command({"/proc/self/exe", "--gtest_filter=*OpTable.*-*FiniteDifferences*", "--gtest_brief=1"},
                           {{"KERATIN_CPU_ISA", name}});
    EXPECT_EQ(result.status, 0) << "with " << name << ":\n" << result.output;
  }
}

TEST(OpTableCoverage, EveryOpHasARow) {
  std::set<const OpDef*> used = {&kInput, &kConstant, &kRead, &kAssign};
  std::set<std::string> names;
  for (const std::string& family : op_families()) {
    for (const OpCase& op_case : op_cases(family)) {
      EXPECT_TRUE(names.insert(op_case.name).second) << "two rows are called " << op_case.name;
      const CaseProgram row = make_program(op_case, kSingle);
      for (const NodePtr& node : topological_order(std::span<const NodePtr>(row.program.roots())))
        used.insert(&node->op());
    }
  }
  for (const OpDef* op : all_ops()) EXPECT_TRUE(used.contains(op)) << "op '" << op->name << "' appears in no row";
}

}  // namespace
}  // namespace keratin::testing
