#include "tests/backends/cpu/run_op.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "keratin/core/graph/spec.h"
#include "keratin/core/runtime/device.h"
#include "keratin/core/runtime/plan_instance.h"
#include "keratin/core/tensor/philox.h"
#include "tests/support/hand_made_plan.h"
#include "tests/support/modules.h"

namespace keratin::cpu_test {
namespace {

std::vector<Spec> specs_of(const std::vector<Tensor>& tensors) {
  std::vector<Spec> specs;
  for (const Tensor& tensor : tensors) specs.push_back({tensor.shape(), tensor.dtype()});
  return specs;
}

std::unique_ptr<PlanInstance> instance_of(const OpDef& op, const std::any& attrs, const std::vector<Tensor>& inputs) {
  const std::vector<Spec> specs = specs_of(inputs), results = op.infer(attrs, specs);
  EXPECT_TRUE(supported(op, attrs, specs, results)) << op.name;
  testing::HandMadePlan plan;
  std::vector<int> in, out;
  for (const Tensor& input : inputs) in.push_back(plan.input(input));
  for (const Spec& result : results) out.push_back(plan.output(result));
  plan.step(op.name, attrs, in, out);
  auto arena = std::make_shared<Arena>(open_device("cpu:0"));
  auto instance = std::make_unique<PlanInstance>(plan.plan(), CompileOptions{}, arena);
  instance->allocate();
  return instance;
}

double element(const Tensor& tensor, std::size_t i) {
  return visit_dtype(tensor.dtype(), [&]<class T>() { return static_cast<double>(tensor.values<T>()[i]); });
}

}  // namespace

std::vector<Tensor> run_op(const OpDef& op, const std::any& attrs, const std::vector<Tensor>& inputs,
                           const std::vector<Tensor>& before) {
  const auto instance = instance_of(op, attrs, inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i) instance->write_input(static_cast<int>(i), inputs[i]);
  const std::vector<int>& outputs = instance->plan().outputs;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    void* memory = instance->output_address(static_cast<int>(i));
    const Slot& slot = instance->plan().slots[static_cast<std::size_t>(outputs[i])];
    // A kernel must write all of its result.
    std::memset(memory, 0xa5, static_cast<std::size_t>(slot.bytes()));
    if (i < before.size()) std::memcpy(memory, before[i].raw(), before[i].bytes());
  }
  instance->run();
  std::vector<Tensor> results;
  for (std::size_t i = 0; i < outputs.size(); ++i) results.push_back(instance->read_output(static_cast<int>(i)));
  return results;
}

std::string describe_op(const OpDef& op, const std::any& attrs, const std::vector<Tensor>& inputs) {
  return instance_of(op, attrs, inputs)->executable().describe(0);
}

bool supported(const OpDef& op, const std::any& attrs, const std::vector<Spec>& inputs,
               const std::vector<Spec>& outputs) {
  std::vector<SpecView> in, out;
  for (const Spec& spec : inputs) in.push_back({spec.shape, spec.dtype});
  for (const Spec& spec : outputs) out.push_back({spec.shape, spec.dtype});
  return open_device("cpu:0")->supports(op.name, attrs, in, out);
}

std::vector<Tensor> run_on_threads(const OpDef& op, const std::any& attrs, const std::vector<Tensor>& inputs,
                                   const std::vector<Tensor>& before) {
  std::vector<Tensor> first;
  for (int threads : {1, 2, 3}) {
    const Threads scope(threads);
    const std::vector<Tensor> outputs = run_op(op, attrs, inputs, before);
    if (first.empty()) first = outputs;
    for (std::size_t i = 0; i < outputs.size(); ++i) expect_same_bits(outputs[i], first[i]);
  }
  return first;
}

Tensor reference(const OpDef& op, const std::any& attrs, const std::vector<Tensor>& inputs) {
  return testing::run_op(testing::reference_device(), op.name, attrs, inputs, op.infer(attrs, specs_of(inputs)).at(0));
}

void check_op(const OpDef& op, const std::any& attrs, const std::vector<Tensor>& inputs, double tolerance) {
  SCOPED_TRACE(op.name);
  const Tensor result = run_on_threads(op, attrs, inputs).at(0);
  EXPECT_EQ(result.device(), "cpu:0");
  if (testing::have_modules()) expect_close(result, reference(op, attrs, inputs), tolerance);
}

Tensor random_tensor(Shape shape, DType dtype, double low, double high, int seed) {
  Tensor result(std::move(shape), dtype);
  visit_dtype(dtype, [&]<class T>() {
    std::uint64_t i = 0;
    for (T& value : result.values<T>()) {
      const std::uint32_t bits = philox_at(static_cast<std::uint64_t>(seed), 0, i++).x[0];
      const double x = low + (high - low) * static_cast<double>(bits) / 4294967296.0;
      value =
          dtype == DType::boolean ? static_cast<T>(bits % 2) : static_cast<T>(is_floating(dtype) ? x : std::floor(x));
    }
  });
  return result;
}

void expect_close(const Tensor& actual, const Tensor& expected, double tolerance) {
  ASSERT_EQ(actual.shape(), expected.shape());
  ASSERT_EQ(actual.dtype(), expected.dtype());
  for (std::size_t i = 0; i < static_cast<std::size_t>(actual.size()); ++i) {
    const double a = element(actual, i), b = element(expected, i);
    const bool close =
        a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= tolerance * std::max(1.0, std::abs(b));
    ASSERT_TRUE(close) << "element " << i << " of " << expected.shape().to_string() << ": " << a << ", expected " << b;
  }
}

void expect_same_bits(const Tensor& a, const Tensor& b) {
  ASSERT_EQ(a.shape(), b.shape());
  ASSERT_EQ(a.dtype(), b.dtype());
  EXPECT_EQ(std::memcmp(a.raw(), b.raw(), a.bytes()), 0);
}

Threads::Threads(int count) : before_(num_threads()) { set_num_threads(count); }
Threads::~Threads() { set_num_threads(before_); }

}  // namespace keratin::cpu_test
