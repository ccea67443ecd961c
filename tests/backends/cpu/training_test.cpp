// A two-layer network trained by hand on cpu:0: trace, gradients, update, plan, steps.
#include <gtest/gtest.h>

#include <cmath>

#include "keratin/core/compiler/autodiff.h"
#include "keratin/core/compiler/passes.h"
#include "keratin/core/compiler/trace.h"
#include "keratin/core/ops/ops.h"
#include "keratin/core/runtime/device.h"
#include "keratin/core/runtime/plan_instance.h"
#include "tests/backends/cpu/run_op.h"

namespace keratin {
namespace {

VariablePtr variable(std::string path, Tensor value) {
  return std::make_shared<VariableState>(std::move(path), value.shape(), value.dtype(), [value] { return value; });
}

// Points in the plane; the class is the quadrant's parity (XOR).
struct Network {
  static constexpr std::int64_t kBatch = 64, kHidden = 32;
  VariablePtr random_step = variable("random_step", Tensor::scalar(std::int64_t{0}));
  VariablePtr w1 = variable("w1", cpu_test::random_tensor({2, kHidden}, DType::float32, -1, 1, 1));
  VariablePtr b1 = variable("b1", Tensor({kHidden}));
  VariablePtr w2 = variable("w2", cpu_test::random_tensor({kHidden, 2}, DType::float32, -0.3, 0.3, 2));
  VariablePtr b2 = variable("b2", Tensor({2}));
  VariablePtr iteration = variable("iteration", Tensor::scalar(0.0f));

  Program program() {
    TraceContext trace(Phase::train, random_step, 1);
    const Value x = trace.input("x", {{kBatch, 2}, DType::float32});
    const Value labels = trace.input("labels", {{kBatch}, DType::int32});
    const Value hidden = ops::relu(ops::matmul(x, read(w1)) + read(b1));
    const Value logits = ops::matmul(hidden, read(w2)) + read(b2);
    const Value loss = ops::mean(ops::sparse_categorical_crossentropy(labels, logits, true));
    const std::vector<VariablePtr> weights = {w1, b1, w2, b2};
    const Values gradient = gradients(loss, weights);
    UpdateAttrs adam{.variables = weights, .decay = {0, 0, 0, 0}, .a = 0.9, .b = 0.999, .epsilon = 1e-7};
    for (const char* slot : {"m", "v"}) {
      for (const VariablePtr& w : weights) adam.slots.push_back(variable(w->path() + slot, Tensor(w->shape())));
    }
    const Value t = read(iteration) + 1.0;
    const Value rate(0.02);
    const Value alpha = rate * ops::sqrt(1.0 - ops::power(Value(Tensor::scalar(0.999f)), t)) /
                        (1.0 - ops::power(Value(Tensor::scalar(0.9f)), t));
    return {.name = "train",
            .inputs = {x, labels},
            .outputs = {loss},
            .updates = {ops::apply_update(kAdamUpdate, adam, {rate, alpha}, gradient), assign(iteration, t)},
            .gradients = gradient};
  }

  // The losses of some steps.
  std::vector<double> train(int steps) {
    const auto device = open_device("cpu");
    PlanInstance instance(compile(program(), *device), {}, std::make_shared<Arena>(device));
    instance.allocate();
    std::vector<double> losses;
    for (int s = 0; s < steps; ++s) {
      const Tensor x = cpu_test::random_tensor({kBatch, 2}, DType::float32, -1, 1, 100 + s);
      Tensor labels({kBatch}, DType::int32);
      for (std::size_t i = 0; i < kBatch; ++i) {
        labels.values<std::int32_t>()[i] = (x.values<float>()[2 * i] > 0) != (x.values<float>()[2 * i + 1] > 0);
      }
      instance.write_input(0, x);
      instance.write_input(1, labels);
      instance.run();
      losses.push_back(instance.read_output(0).item());
    }
    return losses;
  }
};

TEST(CpuTraining, LossFalls) {
  Network network;
  const std::vector<double> losses = network.train(300);
  EXPECT_NEAR(losses.front(), std::log(2.0), 0.2);
  EXPECT_LT(losses.back(), 0.15);
  EXPECT_EQ(network.iteration->value().item(), 300);
}

TEST(CpuTraining, SameNumbersOnAnyNumberOfThreads) {
  std::vector<std::vector<double>> losses;
  for (int threads : {1, 2, 3}) {
    const cpu_test::Threads scope(threads);
    losses.push_back(Network().train(20));
  }
  EXPECT_EQ(losses[0], losses[1]);
  EXPECT_EQ(losses[0], losses[2]);
}

}  // namespace
}  // namespace keratin
