// The keratin command as users run it: doctor's text, JSON and exit status on made-up machines, --version, devices.
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include "tests/backends/cuda/probe/gpu_machine.h"
#include "tests/house/command.h"

namespace keratin::testing {
namespace {

namespace fs = std::filesystem;
using house::CommandResult;

class KeratinCommand : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!have_modules() || !fs::exists(KERATIN_TOOL)) GTEST_SKIP() << "the keratin command was not built";
  }
  CommandResult doctor(std::vector<std::string> arguments, const std::string& script = "") {
    std::vector<std::string> command = {KERATIN_TOOL, "doctor"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return house::run_command(command, {{"KERATIN_DOCTOR_ROOT", machine_.folder.path()},
                                        {"KERATIN_BACKEND_PATH", modules_.path() + ":-"},
                                        {"KERATIN_FAKE_CUDA", script}});
  }
  // A backend that stands for CUDA's module.
  void install(const std::string& library, const char* file = "libkeratin_cuda13.so") {
    fs::copy_file(library, modules_.path(file));
  }

  GpuMachine machine_;
  TemporaryFolder modules_;
};

void expect_contains(const CommandResult& result, const std::string& part) {
  EXPECT_NE(result.output.find(part), std::string::npos) << "'" << part << "' is not in:\n" << result.output;
}

TEST_F(KeratinCommand, DoctorOnAPlainMachine) {
  for (const char* path : {"/sys", "/proc/driver", "/dev", "/usr"}) machine_.remove(path);
  const CommandResult text = doctor({}), json = doctor({"--json"});
  EXPECT_EQ(text.status, 0) << text.output;
  expect_contains(text,
                  "This machine has no NVIDIA GPU.\n  cause: no_nvidia_hardware\n  fix:   Nothing needs to be done");
  EXPECT_EQ(json.status, 0);
  for (const char* part : {"{\n  \"cause\": \"no_nvidia_hardware\"", "\"fix\": \"Nothing", "\"checks\": [\n",
                           "\"devices\": []", "\"usable\": false"}) {
    expect_contains(json, part);
  }
}

TEST_F(KeratinCommand, DoctorOfABrokenDriver) {
  const CommandResult json = doctor({"--json"}, "cuInit=803,nvmlInit=18");
  EXPECT_EQ(json.status, 1) << json.output;
  expect_contains(json, "\"cause\": \"driver_mismatch\"");
  expect_contains(json, "\"fix\": \"Restart the machine");
  const CommandResult text = doctor({}, "cuInit=abort");
  EXPECT_EQ(text.status, 1) << text.output;
  expect_contains(text, "cause: driver_crashed");
  const CommandResult hanging = doctor({"--timeout", "0.2"}, "nvmlInit=hang,cuInit=hang");
  EXPECT_EQ(hanging.status, 1) << hanging.output;
  expect_contains(hanging, "did not answer");
}

TEST_F(KeratinCommand, DoctorWithoutAModule) {
  const CommandResult json = doctor({"--json"});
  EXPECT_EQ(json.status, 1) << json.output;
  expect_contains(json, "\"cause\": \"module_missing\"");
  expect_contains(json, "\"description\": \"NVIDIA H200\"");
  expect_contains(json, "\"compute_capability\": \"9.0\"");
  expect_contains(json, "\"cudnn\": \"9.19.0\"");
}

// A module with the CPU's kernels computes correctly, so with it as CUDA's all is well.
TEST_F(KeratinCommand, DoctorComputesAndCompares) {
  install(fake_module_folder("wrong_number") + "/libkeratin_fake.so");  // no op is wrong until somebody asks for it
  const CommandResult good = doctor({});
  EXPECT_EQ(good.status, 0) << good.output;
  expect_contains(good, "The GPU works (cause: none).");
  expect_contains(good, "convolution differs by ");
  EXPECT_EQ(doctor({"--json"}).output.find("{\n  \"cause\": \"none\""), 0u);
}

// "auto" passes over a GPU that cannot be opened, and so does doctor, which tells of it.
TEST_F(KeratinCommand, DoctorLooksAtEveryGpu) {
  install(fake_module_folder("first_exclusive") + "/libkeratin_fake.so");
  const CommandResult json = doctor({"--json"});
  EXPECT_EQ(json.status, 0) << json.output;
  for (const char* part : {"\"cause\": \"device_exclusive\"", "\"usable\": true", "cuda:1, "})
    expect_contains(json, part);
}

// As users with a driver for CUDA 12 have it: the newer module refuses the driver, the older one works.
TEST_F(KeratinCommand, DoctorJudgesTheModuleThatTheDriverServes) {
  install(fake_module_folder("old_driver") + "/libkeratin_fake.so");
  install(fake_module_folder("wrong_number") + "/libkeratin_fake.so", "libkeratin_cuda12.so");
  machine_.add_copy("/usr/local/cuda/lib64/libcublasLt.so.12", kFakeDriver);
  const std::string script = "version=12020,driver=535.183,cudnnGetCudartVersion=12090";
  const CommandResult json = doctor({"--json"}, script);
  EXPECT_EQ(json.status, 0) << json.output;
  for (const char* part : {"\"cause\": \"none\"", "libkeratin_cuda12.so\",\n    \"cuda\": 12", "passed over"}) {
    expect_contains(json, part);
  }
  machine_.remove("/usr/local/cuda/lib64");
  const CommandResult missing = doctor({"--json"}, script);
  EXPECT_EQ(missing.status, 1) << missing.output;
  expect_contains(missing, "\"cause\": \"cublas_missing\"");
  expect_contains(missing, "libcublas-12-9");
}

// The fake module "computes" zeros.
TEST_F(KeratinCommand, DoctorFindsWrongResults) {
  install(fake_module_folder("healthy") + "/libkeratin_fake.so");
  const CommandResult wrong = doctor({"--json"});
  EXPECT_EQ(wrong.status, 1) << wrong.output;
  expect_contains(wrong, "\"cause\": \"compute_failed\"");
  expect_contains(wrong, "the element-wise kernel differs by");
}

// The fake GPU takes no time at all.
// Products of 1000x1000 matrices take instrumented kernels minutes.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr const char* kBenchModels = "tutorial";
#else
constexpr const char* kBenchModels = "tutorial,matmul";
#endif

TEST_F(KeratinCommand, BenchComparesDevices) {
  install(fake_module_folder("healthy") + "/libkeratin_fake.so");
  const std::string chart = modules_.path("speed.svg");
  const auto bench = [&](std::vector<std::string> more) {
    std::vector<std::string> command = {KERATIN_TOOL,    "bench", "--models",  kBenchModels,
                                        "--batch-sizes", "64",    "--seconds", "0.01"};
    command.insert(command.end(), more.begin(), more.end());
    return house::run_command(command,
                              {{"KERATIN_FLOAT32_PRECISION", ""}, {"KERATIN_BACKEND_PATH", modules_.path() + ":-"}});
  };
  const CommandResult text = bench({"--chart", chart});
  EXPECT_EQ(text.status, 0) << text.output;
  expect_contains(text, "tutorial, batch 64     cpu:0 ");
  expect_contains(text, "tutorial, batch 64     fake:1 ");
  expect_contains(text, "times as fast as cpu:0");
  // The fake GPU's epochs take no time, so they are run.
  EXPECT_TRUE(std::regex_search(text.output, std::regex("batch 64     fake:1 +[0-9]"))) << text.output;
  expect_contains(text, "; float32 precision: highest\n");
  expect_contains(text, "fake:1 is a device for tests; float32 precision: high\n");
  expect_contains({0, read_file(chart), 0}, "tutorial, batch 64");
  const CommandResult csv = bench({"--csv", "--devices", "cpu,cuda:1"});
  EXPECT_EQ(csv.output.find("model,batch_size,device,precision,epoch_seconds,epoch_timed"), 0u) << csv.output;
  EXPECT_TRUE(std::regex_search(csv.output, std::regex("\ntutorial,64,fake:1,high,[-+.0-9e]+,true,"))) << csv.output;
  EXPECT_EQ(csv.output.find("fake:0"), std::string::npos);
  EXPECT_EQ(csv.output.find("GPU skipped"), std::string::npos);
  const auto without_gpu = [&](const char* format) {
    return house::run_command(
        {KERATIN_TOOL, "bench", "--models", "tutorial", "--batch-sizes", "64", "--seconds", "0.01", format},
        {{"KERATIN_DOCTOR_ROOT", machine_.folder.path()},
         {"KERATIN_FAKE_CUDA", "cuInit=803"},
         {"KERATIN_FLOAT32_PRECISION", ""},
         {"KERATIN_BACKEND_PATH", "-"}});
  };
  const CommandResult hidden = without_gpu("--json");
  EXPECT_EQ(hidden.status, 0) << hidden.output;
  expect_contains(hidden, "\"gpu_skipped\": \"no module libkeratin_cuda13.so was found");
  for (const char* part : {"\"precision\": \"highest\"", "\"epoch_timed\": "}) expect_contains(hidden, part);
  const CommandResult table = without_gpu("--csv");
  EXPECT_EQ(table.status, 0) << table.output;
  // A row with as many fields as the header.
  expect_contains(table, "\n,,cuda:0,,,,,,,,,,");
  expect_contains(table, "GPU skipped: no module libkeratin_cuda13.so was found");
  const std::size_t begin = table.output.find("model,batch_size");
  ASSERT_NE(begin, std::string::npos) << table.output;
  const std::string header = table.output.substr(begin, table.output.find('\n', begin) - begin);
  EXPECT_EQ(std::count(header.begin(), header.end(), ','), 12);
  const CommandResult wrong = bench({"--models", "tutoriall"});
  EXPECT_EQ(wrong.status, 2);
  expect_contains(wrong, "did you mean 'tutorial'?");
}

// A run of the products is of two matrices, which are copied to the device once; the memory is the plan's.
TEST_F(KeratinCommand, BenchKeepsTheMatricesOfProductsOnTheDevice) {
  install(fake_module_folder("healthy") + "/libkeratin_fake.so");
  const CommandResult json = house::run_command(
      {KERATIN_TOOL, "bench", "--models", "matmul", "--devices", "cuda:0", "--seconds", "0.01", "--json"},
      {{"KERATIN_BACKEND_PATH", modules_.path() + ":-"}, {"KERATIN_DUMP", "plan"}});
  EXPECT_EQ(json.status, 0) << json.output;
  std::smatch plan, memory;
  ASSERT_TRUE(std::regex_search(json.output, plan,
                                std::regex("plan \\w+: \\d+ steps, scratch (\\d+) bytes, feed (\\d+) bytes")))
      << json.output;
  ASSERT_TRUE(std::regex_search(json.output, memory, std::regex("\"memory_bytes\": (\\d+)"))) << json.output;
  const std::int64_t scratch = std::stoll(plan[1]), feed = std::stoll(plan[2]);
  EXPECT_EQ(feed, 3 * 1000 * 1000 * 4);  // two matrices and the result
  EXPECT_EQ(std::stoll(memory[1]), scratch + feed);
}

TEST_F(KeratinCommand, VersionAndDevices) {
  const CommandResult version = house::run_command({KERATIN_TOOL, "--version"});
  EXPECT_EQ(version.status, 0);
  expect_contains(version, "libkeratin_cuda13.so` | 13.0 or newer | 580 or newer");
  const CommandResult devices = house::run_command({KERATIN_TOOL, "devices"}, {{"KERATIN_DEVICE", "cpu"}});
  EXPECT_EQ(devices.status, 0) << devices.output;
  expect_contains(devices, "cpu:0  ");
  EXPECT_NE(house::run_command({KERATIN_TOOL, "no_such_command"}).status, 0);
}

}  // namespace
}  // namespace keratin::testing
