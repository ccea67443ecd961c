// Errors of CUDA's libraries carry an id that doctor has a sentence and a fix for.
#include "keratin/backends/cuda/probe/error_cause.h"

#include "keratin/backends/cuda/probe/causes.h"
#include "keratin/core/tensor/errors.h"
#include "tests/backends/cuda/simulated_gpu.h"

namespace keratin::testing {
namespace {

TEST(ErrorCause, EveryIdIsInDoctorsTable) {
  const auto expect_known = [](const auto& table) {
    int before = 0;
    for (const probe::ErrorCause& entry : table) {
      EXPECT_NE(probe::find_cause(entry.cause), nullptr) << entry.cause;
      EXPECT_LT(before, entry.first);  // in order, so that no entry hides another
      EXPECT_LE(entry.first, entry.last);
      before = entry.last;
    }
  };
  expect_known(probe::kRuntimeCauses);
  expect_known(probe::kBlasCauses);
  expect_known(probe::kDnnCauses);
  EXPECT_NE(probe::find_cause(probe::cause_of(probe::kRuntimeCauses, 700)), nullptr);
}

struct Case {
  int error;
  const char* cause;
};
constexpr Case kCases[] = {
    {1, "compute_failed"},     {2, "memory_held"},          {3, "no_usable_device"},  {34, "stub_driver"},
    {35, "driver_too_old"},    {46, "device_exclusive"},    {98, "arch_unsupported"}, {100, "no_usable_device"},
    {101, "no_usable_device"}, {209, "arch_unsupported"},   {214, "device_lost"},     {219, "compute_failed"},
    {220, "device_lost"},      {221, "jit_missing"},        {222, "jit_missing"},     {223, "arch_unsupported"},
    {226, "device_lost"},      {700, "compute_failed"},     {719, "compute_failed"},  {802, "fabric_manager"},
    {803, "driver_mismatch"},  {804, "compat_unsupported"}, {805, "mps_trouble"},     {810, "mps_trouble"},
    {811, "compute_failed"},   {999, "no_usable_device"}};

TEST(ErrorCause, OfTheRuntimesErrors) {
  for (const Case& c : kCases) EXPECT_EQ(probe::cause_of(probe::kRuntimeCauses, c.error), c.cause) << c.error;
}

TEST(ErrorCause, OfTheLibrariesErrors) {
  EXPECT_EQ(probe::cause_of(probe::kBlasCauses, 3), "memory_held");
  EXPECT_EQ(probe::cause_of(probe::kBlasCauses, 8), "arch_unsupported");
  EXPECT_EQ(probe::cause_of(probe::kBlasCauses, 13), "compute_failed");
  EXPECT_EQ(probe::cause_of(probe::kDnnCauses, 1002), "cudnn_mixed");
  EXPECT_EQ(probe::cause_of(probe::kDnnCauses, 1008), "cudnn_broken");
  EXPECT_EQ(probe::cause_of(probe::kDnnCauses, 5000), "compute_failed");
}

// Through the backend, when the device is opened.
TEST_F(SimulatedGpu, ADeviceThatCannotBeOpenedSaysWhy) {
  for (const Case& c : kCases) {
    SCOPED_TRACE(c.error);
    try {
      const Gpu gpu("set_device_error=" + std::to_string(c.error));
      FAIL() << "the device was opened";
    } catch (const DeviceError& error) {
      EXPECT_EQ(error.cause(), c.cause);
      const std::string text = error.what();
      EXPECT_NE(text.find("cudaSetDevice"), std::string::npos) << text;
      EXPECT_NE(text.find("(" + std::to_string(c.error) + ")"), std::string::npos) << text;
      EXPECT_EQ(dynamic_cast<const OutOfMemory*>(&error) != nullptr, c.error == 2);
    }
  }
}

}  // namespace
}  // namespace keratin::testing
