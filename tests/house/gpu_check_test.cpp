// scripts/gpu_check.sh, as far as it can be tested without a GPU: times, accuracies and targets from made-up results.
#include <gtest/gtest.h>

#include <regex>

#include "tests/house/command.h"
#include "tests/io/temporary_folder.h"
#include "tests/support/source_path.h"

namespace keratin::testing {
namespace {

using house::CommandResult;
using house::run_command;

CommandResult gpu_check(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"bash", source_path("scripts/gpu_check.sh")});
  return run_command(arguments);
}

TEST(GpuCheck, AllStagesTogetherFitTheTime) {
  const std::string script = read_file(source_path("scripts/gpu_check.sh"));
  const std::size_t begin = script.find("\nstages='");
  ASSERT_NE(begin, std::string::npos);
  const std::string stages = script.substr(begin + 9, script.find('\'', begin + 9) - begin - 9);
  const std::regex line("(\\w+) (\\d+) (\\w+)");
  int seconds = 0, count = 0;
  for (std::sregex_iterator stage(stages.begin(), stages.end(), line), end; stage != end; ++stage) {
    seconds += std::stoi((*stage)[2]);
    ++count;
    EXPECT_NE(script.find("\n" + (*stage)[3].str() + "() {"), std::string::npos) << (*stage)[3] << " is no function";
    EXPECT_NE(script.substr(0, script.find("\nset ")).find((*stage)[1]), std::string::npos)
        << (*stage)[1] << " is missing in the usage";
  }
  EXPECT_EQ(count, 12);
  EXPECT_LE(seconds, 590);
}

TEST(GpuCheck, SaysWhatItCannotDo) {
  const CommandResult usage = gpu_check({}), unpacked = gpu_check({"run", "/nowhere"});
  EXPECT_EQ(usage.status, 2);
  EXPECT_NE(usage.output.find("pack FOLDER"), std::string::npos) << usage.output;
  EXPECT_EQ(unpacked.status, 2);
  EXPECT_NE(unpacked.output.find("'run' is for a packed folder"), std::string::npos) << unpacked.output;
  const TemporaryFolder folder;
  write_file(folder.path("something"), "else");
  const CommandResult pack = gpu_check({"pack", folder.path()});
  EXPECT_EQ(pack.status, 2);
  EXPECT_NE(pack.output.find("holds something else"), std::string::npos) << pack.output;
  EXPECT_EQ(read_file(folder.path("something")), "else");
}

// Six runs of a program; medians count, and the CPU's is 0.97.
CommandResult accuracy(const std::string& on_gpu) {
  const TemporaryFolder folder;
  write_file(folder.path("accuracy.txt"),
             "mnist_mlp cpu 1 0.90\nmnist_mlp cpu 2 0.97\nmnist_mlp cpu 3 0.99\n" + on_gpu);
  return gpu_check({"stage", "compare_accuracy", "cuda", folder.path("accuracy.txt")});
}

TEST(GpuCheck, MediansOfAccuraciesMayDifferByThreeTenthsOfAPoint) {
  const CommandResult near = accuracy("mnist_mlp cuda 1 0.50\nmnist_mlp cuda 2 0.98\nmnist_mlp cuda 3 0.972\n");
  EXPECT_EQ(near.status, 0) << near.output;
  EXPECT_NE(near.output.find("cuda - cpu = 0.20 points"), std::string::npos) << near.output;
  const CommandResult far = accuracy("mnist_mlp cuda 1 0.90\nmnist_mlp cuda 2 0.966\nmnist_mlp cuda 3 0.99\n");
  EXPECT_EQ(far.status, 1) << far.output;
  const CommandResult missing = accuracy("mnist_mlp cuda 1 0.97\n");
  EXPECT_EQ(missing.status, 1);
  EXPECT_NE(missing.output.find("not three runs"), std::string::npos) << missing.output;
}

class GpuTargets : public ::testing::Test {
 protected:
  void SetUp() override {
    if (run_command({"sh", "-c", "command -v python3"}).status != 0) GTEST_SKIP() << "python3 is not installed";
  }
  void ours(const std::string& model, double time, const std::string& device = "NVIDIA H200",
            const std::string& more = R"("batch_size":128,"precision":"high","device":"cuda:0")") {
    speed_ += R"({"library":"keratin","task":"train","model":")" + model + R"(","device_description":")" + device +
              R"(","microseconds_per_step":)" + std::to_string(time) + "," + more + "}\n";
  }
  void peer(const std::string& model, const std::string& library, const std::string& way, double time) {
    peers_ += R"({"library":")" + library + R"(","way":")" + way + R"(","model":")" + model +
              R"(","batch_size":128,"precision":"high","microseconds_per_step":)" + std::to_string(time) + "}\n";
  }
  // All but lax.scan of the CNN.
  void most_peers() {
    peers_ += R"({"library":"pytorch","version":"2"})"
              "\n";
    peer("mlp", "pytorch", "eager", 120);
    peer("mlp", "pytorch", "compile reduce-overhead", 60);
    peer("mlp", "jax", "jit", 70);
    peer("mlp", "jax", "lax.scan", 45);
    peer("cnn", "pytorch", "eager", 480);
    peer("cnn", "pytorch", "compile reduce-overhead", 200);
    peer("cnn", "jax", "jit", 150);
  }
  void failure(const std::string& model, const std::string& library, const std::string& way) {
    peers_ += R"({"library":")" + library + R"(","way":")" + way + R"(","model":")" + model +
              R"(","error":"too large"})"
              "\n";
  }
  CommandResult compare() {
    const TemporaryFolder folder;
    write_file(folder.path("speed.jsonl"), speed_);
    write_file(folder.path("peers.jsonl"), peers_);
    return run_command({"python3", source_path("scripts/benchmarks/gpu_targets.py"), folder.path()});
  }
  static void expect_parts(const CommandResult& result, const std::vector<std::string>& parts) {
    for (const std::string& part : parts) {
      EXPECT_NE(result.output.find(part), std::string::npos) << "'" << part << "' is not in:\n" << result.output;
    }
  }

 private:
  std::string speed_, peers_;
};

TEST_F(GpuTargets, MetOnes) {
  // Neither other batch sizes and precisions nor the CPU count.
  ours("mlp", 1, "NVIDIA H200", R"("batch_size":32,"precision":"high","device":"cuda:0")");
  ours("mlp", 1, "NVIDIA H200", R"("batch_size":128,"precision":"highest","device":"cuda:0")");
  ours("mlp", 1, "a CPU", R"("batch_size":128,"precision":"high","device":"cpu:0")");
  ours("mlp", 30);
  ours("cnn", 150);
  most_peers();
  peer("cnn", "jax", "lax.scan", 160);
  const CommandResult result = compare();
  EXPECT_EQ(result.status, 0) << result.output;
  expect_parts(result, {"Training steps on NVIDIA H200", "| mlp | Keratin | 30.0 | |",
                        "| mlp | jax lax.scan | 45.0 | 1.50x |", "| mlp | pytorch eager | 120.0 | 4.00x |",
                        "| cnn | jax lax.scan | 160.0 | 1.07x |", "- mlp: 30.0 us, at most 35 us wanted: **met**",
                        "- cnn: 3.20 times as fast as PyTorch eager, at least 3 wanted: **met**",
                        "- cnn: 1.00 times as fast as the fastest other (jax jit), at least 1 wanted: **met**"});
}

TEST_F(GpuTargets, NoneIsMetAsLongAsAFasterOneMayBeMissing) {
  ours("mlp", 30);
  ours("cnn", 150);
  peer("mlp", "pytorch", "eager", 120);
  peer("mlp", "jax", "lax.scan", 29);
  peer("cnn", "pytorch", "eager", 480);
  peer("cnn", "jax", "jit", 150);
  failure("cnn", "jax", "lax.scan");
  const std::string slower =
      "- mlp: 0.97 times as fast as the fastest other (jax lax.scan), at least 1 wanted, "
      "no time of pytorch compile reduce-overhead, jax jit: **missed**";
  const CommandResult missed = compare();
  EXPECT_EQ(missed.status, 1) << missed.output;
  expect_parts(missed, {slower, "| cnn | jax lax.scan | failed: too large | |",
                        "- cnn: 1.00 times as fast as the fastest other (jax jit), at least 1 wanted, "
                        "no time of pytorch compile reduce-overhead, jax lax.scan: **not measured**"});
}

TEST_F(GpuTargets, OneThatFailedLeavesATargetNotMeasured) {
  ours("mlp", 30);
  ours("cnn", 150);
  most_peers();
  failure("cnn", "jax", "lax.scan");
  const CommandResult result = compare();
  EXPECT_EQ(result.status, 77) << result.output;
  expect_parts(result, {"- mlp: 1.50 times as fast as the fastest other (jax lax.scan), at least 1 wanted: **met**",
                        "at least 1 wanted, no time of jax lax.scan: **not measured**"});
}

TEST_F(GpuTargets, MissedOnes) {
  ours("mlp", 50);
  ours("cnn", 170);
  most_peers();
  const CommandResult result = compare();
  EXPECT_EQ(result.status, 1) << result.output;
  expect_parts(result, {"- mlp: 50.0 us, at most 35 us wanted: **missed**",
                        "- mlp: 2.40 times as fast as PyTorch eager, at least 3 wanted: **missed**",
                        "- mlp: 0.90 times as fast as the fastest other (jax lax.scan), at least 1 wanted: **missed**",
                        "- cnn: 170.0 us, at most 180 us wanted: **met**"});
}

TEST_F(GpuTargets, WithoutPeersOrOnAnotherGpuNothingIsMissed) {
  const CommandResult nothing = compare();
  EXPECT_EQ(nothing.status, 77) << nothing.output;
  expect_parts(nothing, {"- mlp: no time, at most 35 us wanted: **not measured**"});
  ours("mlp", 500, "NVIDIA A10");
  ours("cnn", 500, "NVIDIA A10");
  const CommandResult slower = compare();
  EXPECT_EQ(slower.status, 77) << slower.output;
  expect_parts(slower, {"**missed**", "The targets are for an H200: none counts as missed here."});
}

}  // namespace
}  // namespace keratin::testing
