// The CUDA module as it is built: what it asks of the machine, and what it says where there is no GPU.
#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <sstream>

#include "keratin/core/runtime/loader.h"
#include "tests/build_paths.h"
#include "tests/house/command.h"
#include "tests/support/modules.h"

namespace keratin::testing {
namespace {

namespace fs = std::filesystem;

fs::path cuda_module_file() {
  for (const char* name : {"libkeratin_cuda13.so", "libkeratin_cuda12.so"}) {
    const fs::path path = fs::path(KERATIN_BINARY_DIR) / "keratin" / name;
    if (fs::exists(path)) return path;
  }
  return {};
}

class CudaModule : public ::testing::Test {
 protected:
  void SetUp() override {
    if (cuda_module_file().empty()) GTEST_SKIP() << "the CUDA backend is not part of this build";
  }
};

TEST_F(CudaModule, NeedsNoLibraryOfCuda) {
  const house::CommandResult result = house::run_command({"readelf", "-d", cuda_module_file().string()});
  ASSERT_EQ(result.status, 0) << result.output;
  std::istringstream lines(result.output);
  int needed = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.find("(NEEDED)") == std::string::npos) continue;
    ++needed;
    const std::size_t begin = line.find('[') + 1;
    const std::string library = line.substr(begin, line.find(']') - begin);
    const std::string name = library.substr(0, library.find(".so"));
    static const std::set<std::string> allowed = {
        "libkeratin", "libstdc++",       "libgcc_s",        "libm", "libc", "libpthread", "librt",
        "libdl",      "ld-linux-x86-64", "ld-linux-aarch64"};
    EXPECT_TRUE(allowed.contains(name)) << library;
  }
  EXPECT_GE(needed, 3);
}

TEST_F(CudaModule, ShowsItsDoorAndNothingOfTheRuntime) {
  const house::CommandResult result = house::run_command({"nm", "-D", "--defined-only", cuda_module_file().string()});
  ASSERT_EQ(result.status, 0) << result.output;
  EXPECT_NE(result.output.find(" T keratin_backend_module"), std::string::npos);
  for (const char* hidden : {" T cuda", " T cublas", " T cudnn", " T _ZN7keratin4cuda"}) {
    EXPECT_EQ(result.output.find(hidden), std::string::npos) << hidden;
  }
}

TEST_F(CudaModule, OpensOrSaysWhyNot) {
  const LoadResult loaded = load_backend_module("cuda");
  if (loaded.module) {
    EXPECT_GT(loaded.module->device_count(), 0);
    EXPECT_EQ(loaded.reason, "");
  } else {
    EXPECT_NE(loaded.reason, "");
    EXPECT_NE(loaded.cause, "");
    EXPECT_EQ(loaded.cause.find("module_"), std::string::npos) << loaded.cause << ": " << loaded.reason;
  }
}

}  // namespace
}  // namespace keratin::testing
