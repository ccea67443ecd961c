// benchmark_devices measures what works, says why the rest does not, and leaves the model as it was.
#include "keratin/core/training/benchmark.h"

#include <gtest/gtest.h>

#include <set>

#include "keratin/keratin.h"
#include "tests/support/expect_error.h"

namespace keratin::testing {
namespace {

Sequential small_model() {
  Sequential model({Input({6}), Dense(5, {.activation = "relu"}), Dense(3, {.activation = "softmax"})});
  model.compile("adam", "sparse_categorical_crossentropy", {"accuracy"});
  return model;
}

TEST(BenchmarkDevices, MeasuresAndPutsTheWeightsBack) {
  Sequential model = small_model();
  const Tensor x = Tensor::full({50, 6}, 0.5), y({50}, DType::int32);
  model.fit(x, y, {.epochs = 1, .verbose = 0});
  std::vector<Tensor> before;
  for (const Variable& variable : model.variables()) before.push_back(variable.value());
  const std::int64_t iterations = model.optimizer().iterations();

  const DeviceBenchmark result = model.benchmark_devices(x, y, {.batch_size = 16, .seconds = 0.01});
  ASSERT_FALSE(result.devices.empty());
  const DeviceTiming& cpu = result.devices.front();
  EXPECT_EQ(cpu.device, "cpu:0");
  EXPECT_EQ(cpu.skipped, "");
  EXPECT_GT(cpu.step_seconds, 0);
  EXPECT_EQ(cpu.precision, "highest");
  EXPECT_GT(cpu.epoch_seconds, 0);
  EXPECT_GT(cpu.predicted_per_second, 0);
  EXPECT_EQ(cpu.memory_bytes, model.memory(16).total());
  EXPECT_EQ(cpu.speedup, 1);
  EXPECT_FALSE(result.fastest.empty());

  const std::vector<Variable> after = model.variables();
  for (std::size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(after[i].value().to_vector<float>(), before[i].to_vector<float>()) << after[i].path();
  }
  EXPECT_EQ(model.optimizer().iterations(), iterations);
}

// The sizes of the batches it is traced for in training.
class BatchSizes final : public LayerImpl {
 public:
  BatchSizes() : LayerImpl("BatchSizes", "") {}
  Value call(Value x, CallContext& context) override {
    if (context.training()) seen.insert(x.shape()[0]);
    return x;
  }
  std::set<std::int64_t> seen;
};

TEST(BenchmarkDevices, AnEpochIsTrainedUnlessItTakesLong) {
  const Custom<BatchSizes> sizes;
  Sequential model({Input({6}), sizes, Dense(3, {.activation = "softmax"})});
  model.compile("adam", "sparse_categorical_crossentropy");
  const Tensor x({50, 6}), y({50}, DType::int32);
  const auto measured = [&](double seconds) {
    return model.benchmark_devices(x, y, {.batch_size = 16, .seconds = seconds, .devices = {"cpu"}});
  };
  const DeviceBenchmark computed = measured(1e-9);
  EXPECT_FALSE(computed.devices[0].epoch_timed);
  EXPECT_NEAR(computed.devices[0].epoch_seconds, computed.devices[0].step_seconds * 50 / 16, 1e-9);
  EXPECT_FALSE(sizes->seen.contains(2));
  EXPECT_NE(computed.to_string().find("~: a long epoch is not run"), std::string::npos) << computed.to_string();

  const DeviceBenchmark timed = measured(0.1);
  EXPECT_TRUE(timed.devices[0].epoch_timed);
  EXPECT_TRUE(sizes->seen.contains(2));  // what 16 leaves of 50
  EXPECT_EQ(timed.to_string().find('~'), std::string::npos) << timed.to_string();
}

DeviceTiming made_up(const std::string& device, double samples_per_second) {
  DeviceTiming timing;
  timing.device = device;
  timing.samples_per_second = samples_per_second;
  return timing;
}

TEST(BenchmarkDevices, TheFastestIsComparedWithTheNextOne) {
  const auto verdict = [](const std::vector<DeviceTiming>& devices) {
    const DeviceBenchmark result = {.batch_size = 32, .devices = devices, .fastest = {}};
    const std::string text = result.to_string();
    return text.substr(text.find("batch size 32, "));
  };
  const DeviceTiming cpu = made_up("cpu:0", 1000), slow = made_up("cuda:0", 400), fast = made_up("cuda:1", 2500);
  EXPECT_EQ(verdict({cpu, slow}), "batch size 32, cpu:0 is the fastest: 2.50 times the speed of cuda:0.\n");
  EXPECT_EQ(verdict({slow, cpu}), "batch size 32, cpu:0 is the fastest: 2.50 times the speed of cuda:0.\n");
  EXPECT_EQ(verdict({cpu, fast}), "batch size 32, cuda:1 is the fastest: 2.50 times the speed of cpu:0.\n");
  EXPECT_EQ(verdict({cpu, slow, fast}), "batch size 32, cuda:1 is the fastest: 2.50 times the speed of cpu:0.\n");
  EXPECT_EQ(verdict({slow, fast}), "batch size 32, cuda:1 is the fastest: 6.25 times the speed of cuda:0.\n");
  DeviceTiming skipped = made_up("cuda:0", 0);
  skipped.skipped = "it is busy";
  EXPECT_EQ(verdict({cpu, skipped}), "batch size 32, only cpu:0 could be measured.\n");
}

TEST(BenchmarkDevices, SaysWhyThereIsNoGpu) {
  if (!visible_devices("GPU").empty()) GTEST_SKIP() << "there is a GPU";
  Sequential model = small_model();
  const DeviceBenchmark result =
      model.benchmark_devices(Tensor({8, 6}), Tensor({8}, DType::int32), {.batch_size = 32, .seconds = 0.001});
  EXPECT_EQ(result.batch_size, 8);
  ASSERT_EQ(result.devices.size(), 2u);
  EXPECT_EQ(result.devices[1].skipped, gpu_unavailable_reason());
  const std::string text = result.to_string();
  EXPECT_NE(text.find("GPU skipped: " + gpu_unavailable_reason()), std::string::npos) << text;
  EXPECT_NE(text.find("For this model and batch size 8, only cpu:0 could be measured."), std::string::npos) << text;
}

TEST(BenchmarkDevices, WrongArguments) {
  Sequential model = small_model();
  const Tensor x({8, 6}), y({8}, DType::int32);
  expect_error<InvalidArgument>([&] { model.benchmark_devices(x, y, {.batch_size = 0}); }, {"batch_size", "0"});
  Sequential bare({Input({6}), Dense(3)});
  expect_error<InvalidArgument>([&] { bare.benchmark_devices(x, y); }, {"benchmark_devices", "compile"});
  const DeviceBenchmark result = model.benchmark_devices(x, y, {.seconds = 0.001, .devices = {"cuda:99"}});
  EXPECT_NE(result.devices.front().skipped.find("no such device"), std::string::npos);
  EXPECT_NE(result.to_string().find("nothing could be measured"), std::string::npos);
}

}  // namespace
}  // namespace keratin::testing
