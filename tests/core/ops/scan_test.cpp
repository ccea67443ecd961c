// ops::scan: what it refuses, and the loop that the CPU makes of it. Its numbers are in the op table.
#include "keratin/core/ops/scan.h"

#include <cmath>

#include "keratin/core/compiler/passes.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/ops.h"
#include "keratin/core/runtime/device.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/tensor/log.h"
#include "keratin/core/training/sequential.h"
#include "keratin/layers/layers.h"
#include "tests/backends/cpu/run_op.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using cpu_test::expect_close;
using cpu_test::random_tensor;
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

// The step of a recurrent layer, h' = tanh(what was made of x beforehand + h·u), in plain loops.
Tensor hidden_states(const Tensor& x, const Tensor& w, const Tensor& b, const Tensor& u, bool relu) {
  const std::int64_t length = x.shape()[0], rows = x.shape()[1], terms = x.shape()[2], units = u.shape()[0];
  const auto at = [](const Tensor& t, std::int64_t i) {
    return double{t.values<float>()[static_cast<std::size_t>(i)]};
  };
  std::vector<float> all;
  std::vector<double> h(static_cast<std::size_t>(rows * units));
  for (std::int64_t t = 0; t < length; ++t) {
    std::vector<double> next;
    for (std::int64_t i = 0; i < rows; ++i) {
      for (std::int64_t j = 0; j < units; ++j) {
        double sum = at(b, j), back = 0;
        for (std::int64_t k = 0; k < terms; ++k) sum += at(x, (t * rows + i) * terms + k) * at(w, k * units + j);
        for (std::int64_t k = 0; k < units; ++k)
          back += h[static_cast<std::size_t>(i * units + k)] * at(u, k * units + j);
        next.push_back(std::tanh((relu ? std::max(sum, 0.0) : sum) + back));
      }
    }
    h = next;
    all.insert(all.end(), h.begin(), h.end());
  }
  return Tensor({length, rows, units}, std::move(all));
}

// Products of whole sequences go into the loop that reads them, as one product with the loop's own where they are
// added.
TEST(Scan, ComputesProductsOfItsSequencesInItsSteps) {
  const std::shared_ptr<Backend> cpu = open_device("cpu:0");
  for (const bool relu : {false, true}) {
    const Tensor x = random_tensor({6, 40, 5}), w = random_tensor({5, 33}), b = random_tensor({33}),
                 u = random_tensor({33, 33}, DType::float32, -0.3, 0.3, 2);
    Program program{.name = "loop", .inputs = {}, .outputs = {}, .updates = {}, .gradients = {}};
    for (const Tensor& t : {x, w, b, u}) program.inputs.push_back(input_value("x", {t.shape(), t.dtype()}));
    const auto build = [&](const Values& in) {
      Value projected = ops::matmul(ops::reshape(in[0], {6 * 40, 5}), in[1]) + in[2];
      if (relu) projected = ops::relu(projected);
      projected = ops::reshape(projected, {6, 40, 33});
      return ops::scan(
                 [&](const Values& step, const Values& carry) -> ScanStep {
                   const Value h = ops::tanh(step[0] + ops::matmul(carry[0], in[3]));
                   return {{h}, {h}};
                 },
                 {projected}, {Value(Tensor({40, 33}))})
          .outputs[0];
    };
    program.outputs = {build(program.inputs)};
    const Plan plan = compile(program, *cpu);
    EXPECT_TRUE(std::none_of(plan.steps.begin(), plan.steps.end(), [](const Step& step) {
      return step.op == kMatMul.name || step.op == kMatMulFused.name;
    })) << plan.to_string();
    expect_close(Tensor(build({Value(x), Value(w), Value(b), Value(u)})), hidden_states(x, w, b, u, relu), 1e-5);
  }
}

TEST(Scan, LeavesProductsThatOthersNeed) {
  const std::shared_ptr<Backend> cpu = open_device("cpu:0");
  Program program{.name = "loop", .inputs = {}, .outputs = {}, .updates = {}, .gradients = {}};
  program.inputs = {input_value("x", {{6, 40, 5}, DType::float32}), input_value("w", {{5, 33}, DType::float32})};
  const Value projected = ops::matmul(program.inputs[0], program.inputs[1]);
  const auto sums = ops::scan(
      [](const Values& step, const Values& carry) -> ScanStep {
        return {{ops::tanh(carry[0] + step[0])}, {}};
      },
      {projected}, {Value(Tensor({40, 33}))});
  program.outputs = {sums.carries[0], projected};
  const Plan plan = compile(program, *cpu);
  EXPECT_EQ(std::count_if(plan.steps.begin(), plan.steps.end(), [](const Step& s) { return s.op == kMatMul.name; }), 1);
}

// Their plans would be long to compile and to run if loops were unrolled.
TEST(Scan, PlansAreAsLongForLongSequences) {
  const auto steps = [](std::int64_t length) {
    Sequential model({Input({length, 64}), LSTM(128, {.return_sequences = true}), LSTM(128), Dense(10)});
    model.compile("adam", "mse");
    std::size_t lines = 0;
    set_log_handler([&](LogLevel, std::string_view text) {
      lines += static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n')) + 1;
    });
    set_log_device_placement(true);
    model.memory(8);
    set_log_device_placement(false);
    set_log_handler({});
    return lines;
  };
  const std::size_t few = steps(10);
  EXPECT_GT(few, 10u);
  EXPECT_EQ(steps(100), few);
}

}  // namespace
}  // namespace keratin
