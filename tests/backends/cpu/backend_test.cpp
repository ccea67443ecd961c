#include "keratin/backends/cpu/backend.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "keratin/backends/cpu/denormals.h"
#include "keratin/backends/cpu/isa.h"
#include "keratin/backends/cpu/kernel.h"
#include "keratin/backends/cpu/system_memory.h"
#include "keratin/backends/cpu/thread_pool.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/matmul.h"
#include "keratin/core/ops/random.h"
#include "keratin/core/ops/recurrent.h"
#include "keratin/core/ops/registry.h"
#include "keratin/core/runtime/device.h"
#include "keratin/core/runtime/module.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/tensor/log.h"
#include "tests/backends/cpu/run_op.h"
#include "tests/support/expect_error.h"
#include "tests/support/hand_made_plan.h"
#include "tests/support/modules.h"

namespace keratin {
namespace {

using testing::HandMadePlan;

TEST(CpuBackend, IsBehindTheBuiltInDoor) {
  const BackendModule& module = cpu_module();
  EXPECT_EQ(module.fingerprint, build_fingerprint());
  EXPECT_STREQ(module.name, "cpu");
  EXPECT_EQ(module.device_count(), 1);
  EXPECT_EQ(module.open(0)->info().name, "cpu:0");
}

TEST(CpuBackend, SaysWhatItIs) {
  const DeviceInfo info = open_device("cpu")->info();
  EXPECT_EQ(info.name, "cpu:0");
  EXPECT_EQ(info.kind, "CPU");
  EXPECT_NE(info.description.find(cpu::simd().name), std::string::npos) << info.description;
  EXPECT_NE(info.description.find(cpu::cpu_model_name()), std::string::npos) << info.description;
  const cpu_test::Threads threads(2);
  EXPECT_NE(open_device("cpu")->info().description.find("2 threads"), std::string::npos);
  EXPECT_TRUE(open_device("cpu")->shares_host_memory());
}

TEST(CpuBackend, CountsAndLimitsItsMemory) {
  cpu::CpuBackend backend;
  EXPECT_EQ(backend.memory().used, 0);
  EXPECT_GT(backend.memory().free, 0);
  EXPECT_GE(backend.memory().total, backend.memory().free);
  backend.set_memory_limit(20 << 20);
  EXPECT_EQ(backend.memory().limit, 20 << 20);
  for (const std::size_t bytes : {std::size_t{1}, std::size_t{1000}, std::size_t{9} << 20}) {
    void* memory = backend.allocate(bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % kSlotAlignment, 0u);
    const auto* begin = static_cast<const std::byte*>(memory);
    EXPECT_TRUE(std::all_of(begin, begin + bytes, [](std::byte b) { return b == std::byte{0}; }));
    EXPECT_EQ(backend.memory().used, static_cast<std::int64_t>(bytes));
    backend.release(memory);
  }
  EXPECT_EQ(backend.memory().used, 0);
  void* most = backend.allocate(15 << 20);
  testing::expect_error<OutOfMemory>([&] { backend.allocate(6 << 20); }, {"6291456 bytes", "limit", "smaller batch"});
  backend.set_memory_limit(0);
  backend.release(backend.allocate(6 << 20));
  EXPECT_THROW(backend.allocate(std::size_t{1} << 62), OutOfMemory);
  EXPECT_THROW(backend.allocate(~std::size_t{0}), OutOfMemory);
  int foreign = 0;
  EXPECT_THROW(backend.release(&foreign), InvalidArgument);
  backend.release(nullptr);
  backend.release(most);
}

TEST(CpuBackend, RefusesAPlanAboveTheLimit) {
  const auto device = open_device("cpu");
  HandMadePlan plan;
  plan.step(kExp.name, {}, {plan.input(Tensor({1 << 20}))}, {plan.output({{1 << 20}, DType::float32})});
  device->set_memory_limit(device->memory().used + (4 << 20));
  EXPECT_THROW(plan.run(device), OutOfMemory);
  device->set_memory_limit(0);
  EXPECT_EQ(plan.run(device)[0].at({3}), 1.0);
}

TEST(CpuBackend, RefusesAPlanWithAStepItHasNoKernelFor) {
  const auto device = open_device("cpu");
  HandMadePlan plan;
  plan.step("unheard_of", {}, {plan.input(Tensor({2}))}, {plan.output({{2}, DType::float32})});
  testing::expect_error<BackendError>([&] { plan.run(device); }, {"unheard_of", "float32 (2,)", "cpu:0"});
  EXPECT_FALSE(cpu_test::supported(kMatMul, {}, {{{2, 2}, DType::float32}, {{2, 2}, DType::float32}},
                                   {{{2, 2}, DType::float32}}));  // without attributes
}

TEST(CpuBackend, HasAKernelForEveryOp) {
  for (const OpDef* op : all_ops()) {
    // Recurrent layers are the loops that they are composed as.
    const bool other = op == &kInput || op == &kConstant || op == &kRead || op == &kRecurrent || op == &kRecurrentGrad;
    EXPECT_NE(cpu::kernel_table().contains(op->name), other) << op->name;
  }
}

// What the compiler may place in its operand's memory.
TEST(CpuBackend, ComputesInPlace) {
  for (const OpDef* op : all_ops()) {
    if (!op->in_place || op == &kDropout) continue;
    for (const DType dtype : {DType::float32, DType::int32, DType::boolean}) {
      const Spec spec{{1000}, dtype};
      std::vector<Tensor> inputs = {cpu_test::random_tensor({1000}, dtype, 0.1, 0.9)};
      if (!cpu_test::supported(*op, {}, {spec}, {spec})) {
        inputs.push_back(cpu_test::random_tensor({1000}, dtype, 0.1, 0.9, 2));
        if (!cpu_test::supported(*op, {}, {spec, spec}, {spec})) continue;
      }
      HandMadePlan plan;
      std::vector<int> slots;
      for (const Tensor& input : inputs) slots.push_back(plan.input(input));
      plan.step(op->name, {}, slots, {slots[0]});
      plan.step(kStopGradient.name, {}, {slots[0]}, {plan.output(spec)});
      SCOPED_TRACE(op->name);
      cpu_test::expect_same_bits(plan.run(open_device("cpu")).at(0), cpu_test::run_op(*op, {}, inputs).at(0));
    }
  }
}

// A variable that is read, written twice in a row, and read again in the next run.
struct Counter {
  VariablePtr variable = std::make_shared<VariableState>("count", Shape{3}, DType::float32, [] {
    return Tensor({3}, {1.0f, 2.0f, 3.0f});
  });
  HandMadePlan plan;
  Counter() {
    const int w = plan.variable(variable, true), one = plan.constant(Tensor::scalar(1.0f));
    const Spec spec{{3}, DType::float32};
    const int more = plan.scratch(spec), squared = plan.output(spec);
    plan.step(kAdd.name, {}, {w, one}, {more});
    plan.step(kSquare.name, {}, {more}, {squared});
    plan.step(kAssign.name, AssignAttrs{variable}, {more}, {w});
  }
};

TEST(CpuExecutable, RunsStepsInOrderAndKeepsVariables) {
  Counter counter;
  const auto device = open_device("cpu");
  EXPECT_EQ(counter.plan.run(device)[0].to_vector<float>(), (std::vector<float>{4, 9, 16}));
  EXPECT_EQ(counter.plan.run(device)[0].to_vector<float>(), (std::vector<float>{9, 16, 25}));
  EXPECT_EQ(counter.variable->value().to_vector<float>(), (std::vector<float>{3, 4, 5}));
}

TEST(CpuExecutable, DescribesAndTimesItsSteps) {
  Counter counter;
  PlanInstance instance(counter.plan.plan(), {}, std::make_shared<Arena>(open_device("cpu")));
  instance.allocate();
  EXPECT_EQ(instance.run_profiled().size(), 3u);
  EXPECT_EQ(instance.read_output(0).at({2}), 16.0);
  EXPECT_NE(instance.executable().describe(0).find("elementwise float32"), std::string::npos);
  EXPECT_THROW(instance.executable().describe(3), InvalidArgument);
  EXPECT_THROW(instance.executable().describe(-1), InvalidArgument);
}

TEST(CpuExecutable, PrintsAProfileWhenAsked) {
  const testing::ScopedEnvironment environment("KERATIN_PROFILE", "1");
  std::string text;
  set_log_handler([&](LogLevel, std::string_view line) { text += line; });
  {
    Counter counter;
    counter.plan.run(open_device("cpu"));
  }
  set_log_handler({});
  for (const char* expected : {"1 runs", "square", "assign", "by layer"}) {
    EXPECT_NE(text.find(expected), std::string::npos) << text;
  }
}

// Results below the range of normal numbers are zero on every thread.
TEST(CpuExecutable, FlushesDenormalsOnAllThreads) {
  const cpu_test::Threads threads(2);
  const Tensor tiny = Tensor::full({300000}, 1e-30),
               result = cpu_test::run_op(kSquare, {}, {Tensor::full({300000}, 1e-20)}).at(0);
  for (float value : result.values<float>()) ASSERT_EQ(value, 0.0f);
  EXPECT_GT(std::sqrt(static_cast<volatile float&>(tiny.clone().values<float>()[0])), 0.0f);
  volatile float small = 1e-20f;
  EXPECT_GT(small * small, 0.0f) << "the calling thread's own mode is restored";
}

TEST(CpuSystemMemory, ReadsMeminfoAndContainers) {
  namespace fs = std::filesystem;
  const fs::path root = fs::temp_directory_path() /
                        ("keratin_memory_" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) +
                         std::to_string(reinterpret_cast<std::uintptr_t>(&cpu::system_memory)));
  const auto write = [&](const std::string& path, const std::string& text) {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path) << text;
  };
  write("proc/meminfo", "MemTotal:       1000 kB\nMemFree:   10 kB\nMemAvailable:    600 kB\n");
  cpu::SystemMemory memory = cpu::system_memory(root);
  EXPECT_EQ(memory.total, 1000 * 1024);
  EXPECT_EQ(memory.free, 600 * 1024);
  // Version 2: the parent's limit counts, and page cache that can be given up does not.
  write("proc/self/cgroup", "0::/outer/inner\n");
  write("sys/fs/cgroup/outer/inner/memory.max", "max\n");
  write("sys/fs/cgroup/outer/memory.max", "500000\n");
  write("sys/fs/cgroup/outer/memory.current", "400000\n");
  write("sys/fs/cgroup/outer/memory.stat", "anon 300000\ninactive_file 100000\n");
  memory = cpu::system_memory(root);
  EXPECT_EQ(memory.total, 500000);
  EXPECT_EQ(memory.free, 200000);
  // Version 1, where no limit is a huge number.
  write("proc/self/cgroup", "9:cpu:/x\n8:memory:/job\n");
  write("sys/fs/cgroup/memory/job/memory.limit_in_bytes", "300000\n");
  write("sys/fs/cgroup/memory/job/memory.usage_in_bytes", "299999\n");
  write("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
  memory = cpu::system_memory(root);
  EXPECT_EQ(memory.total, 300000);
  EXPECT_EQ(memory.free, 1);
  write("proc/cpuinfo", "processor\t: 0\nmodel name\t: Some CPU @ 2GHz\n");
  EXPECT_EQ(cpu::cpu_model_name(root), "Some CPU @ 2GHz");
  fs::remove_all(root);
  EXPECT_EQ(cpu::cpu_model_name(root), "CPU");
  EXPECT_EQ(cpu::system_memory(root).total, 0);
}

}  // namespace
}  // namespace keratin
