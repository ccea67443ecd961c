// Replaying graphs of layers: phases, sharing, effects and errors.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "keratin/core/compiler/trace.h"
#include "keratin/core/model/layer.h"
#include "keratin/core/ops/ops.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/keratin.h"
#include "tests/support/modules.h"

namespace keratin {
namespace {

VariablePtr step_variable() {
  return std::make_shared<VariableState>("step", Shape{}, DType::int64, [] { return Tensor::scalar<std::int64_t>(0); });
}
Value numbers(std::initializer_list<float> values) {
  return constant(Tensor({static_cast<std::int64_t>(values.size())}, values));
}

// y = x * scale, with a count of its training calls and a loss.
class Scale final : public LayerImpl {
 public:
  explicit Scale(double factor) : LayerImpl("Scale", ""), factor_(factor) {}
  using LayerImpl::call;
  Value call(Value x, CallContext& context) override {
    if (context.training()) {
      context.add_loss(ops::sum(x));
      context.assign(calls_, context.value_of(calls_) + 1.0);
    }
    return x * factor_;
  }

 protected:
  using LayerImpl::build;
  void build(const Shape&) override { calls_ = add_weight("calls", {}, {.trainable = false}); }

 private:
  double factor_;
  Variable calls_;
};

TEST(Trace, ASharedGraphIsReplayedWithOtherValues) {
  const Custom<Scale> twice(2.0);
  const Value x = input_value("x", {{kUnknown}, DType::float32});
  const Value y = twice(x);
  EXPECT_EQ(y.shape(), (Shape{kUnknown}));
  TraceContext trace(Phase::predict, step_variable(), 0);
  const Value a = numbers({1, 2}), b = numbers({5});
  const Value first = trace.replay({&x, 1}, {&a, 1}, {&y, 1})[0];
  const Value second = trace.replay({&x, 1}, {&b, 1}, {&y, 1})[0];
  EXPECT_EQ(first.tensor().to_vector<float>(), (std::vector<float>{2, 4}));
  EXPECT_EQ(second.tensor().to_vector<float>(), (std::vector<float>{10}));
}

TEST(Trace, EffectsChainAndBelongToTraining) {
  const Custom<Scale> layer(1.0);
  const Value x = input_value("x", {{kUnknown}, DType::float32});
  const Value y = layer(layer(x));  // called twice
  const Value data = numbers({1, 2});
  TraceContext predict(Phase::predict, step_variable(), 0);
  predict.replay({&x, 1}, {&data, 1}, {&y, 1});
  EXPECT_TRUE(predict.assigned().empty());
  EXPECT_TRUE(predict.losses().empty());
  TraceContext train(Phase::train, step_variable(), 0);
  train.replay({&x, 1}, {&data, 1}, {&y, 1});
  EXPECT_EQ(train.losses().size(), 2u);
  ASSERT_EQ(train.assigned().size(), 1u);
  EXPECT_FLOAT_EQ(static_cast<float>(train.assigned()[0].second.tensor().item()), 2);  // the second call saw the first
}

TEST(Trace, TrainingCanBeOverriddenForACall) {
  const Custom<Scale> layer(1.0);
  const Value x = input_value("x", {{kUnknown}, DType::float32});
  const Value y = layer(x, {.training = false});
  const Value data = numbers({1});
  TraceContext train(Phase::train, step_variable(), 0);
  train.replay({&x, 1}, {&data, 1}, {&y, 1});
  EXPECT_TRUE(train.losses().empty());
  EXPECT_TRUE(train.training());
}

TEST(Trace, AnInputWithoutValueIsNamed) {
  const Value x = input_value("pixels", {{2}, DType::float32});
  TraceContext trace(Phase::predict, step_variable(), 0);
  try {
    trace.lower(ops::exp(x));
    FAIL() << "expected an error";
  } catch (const InvalidArgument& error) {
    EXPECT_NE(std::string(error.what()).find("'pixels'"), std::string::npos);
  }
}

TEST(Trace, RandomStreamsAreStableAndDifferent) {
  TraceContext a(Phase::train, step_variable(), 7), b(Phase::train, step_variable(), 7),
      c(Phase::train, step_variable(), 8);
  const std::uint64_t first = a.random_stream(), second = a.random_stream();
  EXPECT_NE(first, second);
  EXPECT_EQ(b.random_stream(), first);
  EXPECT_NE(c.random_stream(), first);
  // A layer with a seed of its own draws the same numbers under any model seed.
  EXPECT_EQ(TraceContext(Phase::train, step_variable(), 1).random_stream(5),
            TraceContext(Phase::train, step_variable(), 2).random_stream(5));
}

// The walk through a deep graph must not cost a stack frame for each node, nor its destruction.
TEST(Trace, DeepGraphs) {
  Value y = numbers({1});
  for (int i = 0; i < 100000; ++i) y = y + 0.0;
  TraceContext trace(Phase::predict, step_variable(), 0);
  EXPECT_EQ(trace.lower(y).shape(), (Shape{1}));
}

TEST(Eager, OpsAndLayersOnTensors) {
  const Tensor a({2, 2}, {1.f, 2.f, 3.f, 4.f});
  const Tensor y = ops::matmul(a, a);
  EXPECT_EQ(y.to_vector<float>(), (std::vector<float>{7, 10, 15, 22}));
  EXPECT_FALSE(y.device().empty());
  EXPECT_NE(y.device(), "host");
  const Custom<Scale> layer(3.0);
  const Tensor out = layer(a);
  EXPECT_EQ(out.to_vector<float>(), (std::vector<float>{3, 6, 9, 12}));
}

TEST(Eager, ThreadsTakeTurns) {
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t, &wrong] {
      for (int i = 0; i < 20; ++i) {
        const Tensor x = Tensor::full({3}, t + i);
        const Tensor y = ops::square(x);
        if (y.at({0}) != (t + i) * (t + i)) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

// What is logged as output while `function` runs.
template <class Function>
std::string output_of(Function&& function) {
  std::string text;
  set_log_handler([&](LogLevel level, std::string_view message) {
    if (level == LogLevel::output) text += message;
  });
  function();
  set_log_handler({});
  return text;
}

TEST(Trace, DumpsTheLayerCallsOfAModel) {
  const testing::ScopedEnvironment scoped("KERATIN_DUMP", "layers");
  Input x({8}, {.name = "numbers"});
  Dense shared(4, {.activation = "relu", .name = "shared"});
  Sequential base({Input({4}), Dense(4, {.name = "inner"})}, {.name = "base"});
  const Value a = shared(x), b = base(a);
  const Value y = Dense(3, {.name = "last"})(Add({.name = "sum"})({a, b * 2.0}));
  Model model(x, y, {.name = "forked"});
  const std::string text = output_of([&] { model.predict(Tensor({5, 8}), {.verbose = 0}); });
  EXPECT_EQ(text,
            "layers of predict\n"
            "#0  forked (Functional)  float32 (5, 8) from batch_gather  ->  float32 (5, 3)\n"
            "#1    shared (Dense)  float32 (5, 8) from batch_gather  ->  float32 (5, 4)\n"
            "#2    base (Sequential)  float32 (5, 4) from #1  ->  float32 (5, 4)\n"
            "#3      inner (Dense)  float32 (5, 4) from #1  ->  float32 (5, 4)\n"
            "#4    sum (Add)  float32 (5, 4) from #1, float32 (5, 4) from multiply of #2  ->  float32 (5, 4)\n"
            "#5    last (Dense)  float32 (5, 4) from #4  ->  float32 (5, 3)\n");
  EXPECT_EQ(output_of([&] { model.predict(Tensor({5, 8}), {.verbose = 0}); }), "") << "the plan is kept";
  const std::string eager = output_of([&] { shared(Tensor({2, 8})).tensor(); });
  EXPECT_EQ(eager, "layers of eager\n#0  shared (Dense)  float32 (2, 8) from constant  ->  float32 (2, 4)\n");
}

TEST(Trace, DumpsOnlyWhatIsAskedFor) {
  for (const char* stages : {"", "layer", "trace,plan"}) {
    const testing::ScopedEnvironment scoped("KERATIN_DUMP", stages);
    Dense dense(4);
    const std::string text = output_of([&] { dense(Tensor({2, 9})).tensor(); });
    EXPECT_EQ(text.find("layers of"), std::string::npos) << stages;
    EXPECT_EQ(text.find("program eager") != std::string::npos, std::string_view(stages) == "trace,plan") << text;
    EXPECT_EQ(text.find("plan eager") != std::string::npos, std::string_view(stages) == "trace,plan") << text;
  }
}

}  // namespace
}  // namespace keratin
