// The examples about GPUs as users run them, on made-up machines: without cuBLASLt, with a GPU that another program
// has, with two GPUs.
#include <gtest/gtest.h>

#include <regex>

#include "tests/backends/cuda/probe/gpu_machine.h"
#include "tests/house/command.h"

namespace keratin::testing {
namespace {

namespace fs = std::filesystem;
using house::CommandResult;

class GpuPrograms : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!have_modules() || !fs::exists(program("gpu_list"))) GTEST_SKIP() << "the examples were not built";
  }
  static std::string program(const std::string& name) { return KERATIN_BINARY_DIR "/examples/" + name; }
  // A variant of the fake module, as CUDA's unless told otherwise.
  void install(const std::string& variant, const char* file = "libkeratin_cuda13.so") {
    fs::copy_file(fake_module_folder(variant) + "/libkeratin_fake.so", modules_.path(file));
  }
  CommandResult run(const std::string& name, std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.begin(), program(name));
    return house::run_command(arguments, {{"KERATIN_DOCTOR_ROOT", machine_.folder.path()},
                                          {"KERATIN_BACKEND_PATH", modules_.path() + ":-"},
                                          {"KERATIN_DEVICE", ""},
                                          {"KERATIN_FAKE_CUDA", ""},
                                          {"KERATIN_CUDA_PATH", ""},
                                          {"CUDA_HOME", ""},
                                          {"CUDA_PATH", ""},
                                          {"CONDA_PREFIX", ""},
                                          {"VIRTUAL_ENV", ""}});
  }
  // The driver works and the module is there, but a library that it needs is not.
  void take_cublas_away() {
    install("no_devices_without_words");
    machine_.remove("/usr/local/cuda/lib64/libcublasLt.so.13");
  }

  GpuMachine machine_;
  TemporaryFolder modules_;
};

void expect_lines(const CommandResult& result, const std::vector<std::string>& lines) {
  for (const std::string& line : lines) {
    EXPECT_TRUE(std::regex_search("\n" + result.output, std::regex("\n" + line + "\n")))
        << "'" << line << "' is not in:\n"
        << result.output;
  }
}

TEST_F(GpuPrograms, MissingLibraryPrintsTheFixAndGoesOn) {
  take_cublas_away();
  const CommandResult result = run("gpu_missing_library");
  EXPECT_EQ(result.status, 0) << result.output;
  expect_lines(result,
               {"No GPU: set_device\\(\"cuda\"\\): .*libcublasLt.so.13 was not found.*", "cause: cublas_missing",
                "fix:   .*pip install nvidia-cublas; or .*apt install libcublas-13-0.*",
                "relu computed on cpu:0: float32 \\(4,\\) \\[0, 0, 1, 2\\]"});
}

TEST_F(GpuPrograms, ListFallsBackToTheCpu) {
  take_cublas_away();
  const CommandResult result = run("gpu_list");
  EXPECT_EQ(result.status, 0) << result.output;
  expect_lines(result, {"Number of GPUs: 0", "Running on the CPU: .*libcublasLt.so.13 was not found.*",
                        "What to do: .*apt install libcublas-13-0.*", "computed on cpu:0"});
}

// The module calls its devices fake:0 and fake:1, and there is another one by that name to open them.
TEST_F(GpuPrograms, ListComputesOnEachGpu) {
  install("healthy");
  install("healthy", "libkeratin_fake.so");
  const CommandResult result = run("gpu_list");
  EXPECT_EQ(result.status, 0) << result.output;
  expect_lines(result, {"Number of GPUs: 2", "computed on fake:0", "computed on fake:1"});
  EXPECT_EQ(result.output.find("cpu:0"), std::string::npos) << result.output;
}

// Without that other module the listed devices cannot be opened.
TEST_F(GpuPrograms, ListFallsBackWhenNoListedGpuCanBeUsed) {
  install("healthy");
  const CommandResult result = run("gpu_list");
  EXPECT_EQ(result.status, 0) << result.output;
  expect_lines(result, {"Number of GPUs: 2", "fake:0 cannot be used: .*", "fake:1 cannot be used: .*",
                        "Running on the CPU: no GPU can be used", "computed on cpu:0"});
}

TEST_F(GpuPrograms, MatmulSaysWhyADeviceCannotBeUsed) {
  install("open_exclusive");
  const CommandResult busy = run("gpu_matmul", {"cuda"}), malformed = run("gpu_matmul", {"gpu zero"});
  EXPECT_EQ(busy.status, 1) << busy.output;
  expect_lines(busy, {".*the fake device is in exclusive mode.*"});
  EXPECT_EQ(malformed.status, 1) << malformed.output;
  expect_lines(malformed, {"device name 'gpu zero' is malformed.*"});
  const CommandResult cpu = run("gpu_matmul");
  EXPECT_EQ(cpu.status, 0) << cpu.output;
  expect_lines(cpu, {"c\\[0\\]\\[0\\] = 1000, computed on cpu:0"});
}

}  // namespace
}  // namespace keratin::testing
