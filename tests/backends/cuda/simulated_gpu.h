// A simulated GPU for tests, and what training on a device comes to.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "keratin/core/runtime/device.h"
#include "keratin/core/runtime/loader.h"
#include "keratin/core/tensor/log.h"
#include "tests/io/temporary_folder.h"
#include "tests/support/modules.h"
#include "tests/support/small_models.h"

namespace keratin::testing {

// Warnings that no fault explains: without faults there should be none, and captures fail only where they are asked to.
// The backend would get over it, and a test of graphs would compare eager steps with eager steps.
inline std::string& unexplained_warnings() {
  static std::string text;
  return text;
}

// The log handler of the tests of SimulatedGpu; those with a handler of their own pass on to it what they get.
inline void watch_warnings(LogLevel level, std::string_view text) {
  // What is said once where there is a real GPU that cannot be used.
  if (level != LogLevel::warning || text.starts_with("running on cpu:0")) return;
  const char* list = std::getenv("KERATIN_CUDASIM");
  const std::string_view faults = list ? list : "";
  const bool capture = text.find("could not be captured") != text.npos && faults.find("capture_fails") == faults.npos;
  if (faults.empty() || capture) unexplained_warnings().append(text).append("\n");
}

// What a test puts in the place of its own log handler: watch_warnings within SimulatedGpu, else the default.
inline LogHandler& usual_log_handler() {
  static LogHandler handler;
  return handler;
}

// A simulated GPU of its own: the module is copied, so that it is opened anew and with these faults.
class Gpu {
 public:
  explicit Gpu(const std::string& faults) : faults_("KERATIN_CUDASIM", faults.c_str()) {
    static int count = 0;
    const std::string name = "cudasim_" + std::to_string(++count);
    file_ = folder_.path("libkeratin_" + name + ".so");
    std::filesystem::copy_file(module_folder() + "/libkeratin_cudasim.so", file_);
    const ScopedEnvironment path("KERATIN_BACKEND_PATH", folder_.path().c_str());
    loaded_ = load_backend_module(name);
    if (!loaded_.module) return;
    device_ = name + ":0";
    open_device(device_);
  }
  // With faults, too: what comes in the place of a library that fails keeps the rules.
  ~Gpu() { EXPECT_EQ(broken_rules(), "") << "on " << device_; }
  Gpu(const Gpu&) = delete;
  Gpu& operator=(const Gpu&) = delete;

  // Those since this was last asked, see tests/support/modules.h; the test fails when some are left at the end.
  std::string broken_rules() const { return testing::broken_rules(file_); }
  std::string graph_shape() const { return testing::graph_shape(file_); }
  const LoadResult& loaded() const { return loaded_; }
  const std::string& device() const { return device_; }

 private:
  ScopedEnvironment faults_;
  TemporaryFolder folder_;
  LoadResult loaded_;
  std::string file_, device_;
};

class SimulatedGpu : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!have_simulated_gpu()) GTEST_SKIP() << "this build has no backend modules";
    set_float32_precision(Precision::highest);  // as the CPU
    unexplained_warnings().clear();
    usual_log_handler() = watch_warnings;
    set_log_handler(watch_warnings);
  }
  void TearDown() override {
    usual_log_handler() = {};
    set_log_handler({});
    EXPECT_EQ(unexplained_warnings(), "");
  }
};

// What training a model on a device comes to.
struct Trained {
  std::vector<float> weights, predictions;
  std::vector<double> losses;
};

inline void expect_close(const std::vector<float>& got, const std::vector<float>& expected, float tolerance) {
  ASSERT_EQ(got.size(), expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    ASSERT_NEAR(got[i], expected[i], tolerance * (1 + std::abs(expected[i]))) << "element " << i;
  }
}

inline void expect_like(const Trained& got, const Trained& expected) {
  expect_close(got.weights, expected.weights, 2e-4f);
  expect_close(got.predictions, expected.predictions, 2e-4f);
  ASSERT_EQ(got.losses.size(), expected.losses.size());
  for (std::size_t i = 0; i < got.losses.size(); ++i) EXPECT_NEAR(got.losses[i], expected.losses[i], 1e-4);
  EXPECT_LT(got.losses.back(), got.losses.front());
}

inline void expect_same_bits(const Trained& a, const Trained& b) {
  EXPECT_EQ(a.weights, b.weights);
  EXPECT_EQ(a.predictions, b.predictions);
  EXPECT_EQ(a.losses, b.losses);
}

// The placement log of what `run` does.
template <class Run>
std::string placement_of(Run run) {
  std::string text;
  set_log_device_placement(true);
  set_log_handler([&](LogLevel level, std::string_view line) {
    text += line;
    watch_warnings(level, line);
  });
  run();
  set_log_handler(usual_log_handler());
  set_log_device_placement(false);
  return text;
}

}  // namespace keratin::testing
