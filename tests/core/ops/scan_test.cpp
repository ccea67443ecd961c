// ops::scan: what it refuses, and the loop that the CPU makes of it. Its numbers are in the op table.
#include "keratin/core/ops/scan.h"

#include <chrono>

#include "keratin/core/compiler/passes.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/ops.h"
#include "keratin/core/runtime/device.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/training/sequential.h"
#include "keratin/layers/layers.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using ops::ScanStep;
using testing::expect_error;

TEST(Scan, AddsUp) {
  const Tensor x({4, 2}, {1.0f, 10.0f, 2.0f, 20.0f, 3.0f, 30.0f, 4.0f, 40.0f});
  const auto sums = ops::scan(
      [](const Values& in, const Values& carry) -> ScanStep {
        return {{carry[0] + in[0]}, {carry[0] + in[0]}};
      },
      {Value(x)}, {Value(Tensor({2}))});
  EXPECT_EQ(Tensor(sums.carries[0]).to_vector<float>(), (std::vector<float>{10, 100}));
  EXPECT_EQ(Tensor(sums.outputs[0]).to_vector<float>(), (std::vector<float>{1, 10, 3, 30, 6, 60, 10, 100}));
}

TEST(Scan, RefusesNonsense) {
  const Value x{Tensor({3, 2})}, longer{Tensor({4, 2})}, c{Tensor({2})};
  const auto same = [](const Values&, const Values& carry) { return ScanStep{carry, {}}; };
  expect_error<InvalidArgument>([&] { ops::scan(same, {}, {c}); }, {"scan: there must be at least one sequence"});
  expect_error<InvalidArgument>([&] { ops::scan(same, {x, longer}, {c}); }, {"one length", "(3, 2)", "(4, 2)"});
  expect_error<InvalidArgument>([&] { ops::scan(same, {Value(Tensor::full({}, 1))}, {c}); }, {"scalar"});
  expect_error<InvalidArgument>([&] { ops::scan([](const Values&, const Values&) { return ScanStep{}; }, {x}, {c}); },
                                {"as many carries"});
  expect_error<InvalidArgument>(
      [&] {
        ops::scan([](const Values&, const Values& carry) { return ScanStep{{ops::sum(carry[0])}, {}}; }, {x}, {c});
      },
      {"carry 0 is float32 (2,)"});
  expect_error<InvalidArgument>([&] { ops::scan(same, {x}, {c}, {.mask = Value(Tensor({3}, DType::boolean))}); },
                                {"the mask must be bool"});
  expect_error<InvalidArgument>(
      [&] {
        const Layer dense = Dense(2);
        ops::scan(
            [&](const Values& in, const Values& carry) {
              return ScanStep{{carry[0]}, {dense(ops::expand_dims(in[0], 0))}};
            },
            {x}, {c});
      },
      {"layers only inside of a layer"});
  EXPECT_THROW(ops::scan(same, {Value(Tensor({0, 2}))}, {c}), InvalidArgument);
}

// A program of a recurrent step over `length` elements.
Program loop_program(std::int64_t length) {
  Program program{.name = "loop", .inputs = {}, .outputs = {}, .updates = {}, .gradients = {}};
  program.inputs = {input_value("x", {{length, 2, 3}, DType::float32}), input_value("h", {{2, 3}, DType::float32}),
                    input_value("w", {{3, 3}, DType::float32})};
  const auto result = ops::scan(
      [&](const Values& x, const Values& carry) -> ScanStep {
        const Value h = ops::tanh(x[0] + ops::matmul(carry[0], program.inputs[2])) * 0.5;
        return {{h}, {h}};
      },
      {program.inputs[0]}, {program.inputs[1]});
  program.outputs = {result.carries[0], result.outputs[0]};
  return program;
}

TEST(Scan, IsOneStepOfAPlanOnTheCpu) {
  const std::shared_ptr<Backend> cpu = open_device("cpu:0");
  const Plan shorter = compile(loop_program(5), *cpu), longer = compile(loop_program(100), *cpu);
  const auto loops = [](const Plan& plan) {
    return std::count_if(plan.steps.begin(), plan.steps.end(), [](const Step& s) { return s.op == kScan.name; });
  };
  EXPECT_EQ(loops(longer), 1);
  EXPECT_EQ(longer.steps.size(), shorter.steps.size());
  // What a step needs besides its results is the same for any number of steps.
  EXPECT_EQ(cpu->prepare(longer, {})->workspace_bytes(), cpu->prepare(shorter, {})->workspace_bytes());
}

TEST(Scan, OfLongSequencesCompilesInASecond) {
  Sequential model({Input({100, 64}), LSTM(128, {.return_sequences = true}), LSTM(128), Dense(10)});
  model.compile("adam", "mse");
  const auto start = std::chrono::steady_clock::now();
  const MemoryReport memory = model.memory(8);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_GT(memory.workspace, 0);
  EXPECT_LT(seconds.count(), 1.0);
}

}  // namespace
}  // namespace keratin
