// Devices for users: choosing, hiding, details, limits and the placement log, with the fake GPU as "cuda"; and what
// "auto" says on machines whose GPU cannot be used. Each test is a process of its own, because the choice is made once.
#include "keratin/core/runtime/device.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <fstream>
#include <regex>

#include "keratin/keratin.h"
#include "tests/backends/cuda/probe/gpu_machine.h"
#include "tests/support/modules.h"

namespace keratin::testing {
namespace {

namespace fs = std::filesystem;

class DeviceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!have_modules()) GTEST_SKIP() << "a static build has no backend modules";
    ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  }
  // The fake module as CUDA's.
  static void install(const std::string& variant, const TemporaryFolder& folder) {
    fs::copy_file(fake_module_folder(variant) + "/libkeratin_fake.so", folder.path("libkeratin_cuda13.so"));
  }
};

// The process ends without destructors, which would remove its temporary folders.
[[noreturn]] void end_process(int status) {
  for (const char* name : {"KERATIN_BACKEND_PATH", "KERATIN_DOCTOR_ROOT"}) {
    const std::string path = std::getenv(name) ? std::getenv(name) : "";
    std::error_code ignored;
    if (path.find("/keratin-test-") != std::string::npos) fs::remove_all(path, ignored);
  }
  std::exit(status);
}

// Runs `body` with the modules of this folder and writes what it throws.
template <class Body>
[[noreturn]] void in_process(const std::string& modules, const Body& body) {
  setenv("KERATIN_BACKEND_PATH", (modules + ":-").c_str(), 1);  // and not what was built beside libkeratin
  unsetenv("KERATIN_DEVICE");
  try {
    body();
    end_process(0);
  } catch (const DeviceError& error) {
    const char* kind = dynamic_cast<const LibraryMissing*>(&error)    ? "LibraryMissing"
                       : dynamic_cast<const VersionMismatch*>(&error) ? "VersionMismatch"
                       : dynamic_cast<const DeviceNotFound*>(&error)  ? "DeviceNotFound"
                                                                      : "DeviceError";
    std::fprintf(stderr, "device error [%s]: %s\nof class %s\n", error.cause().c_str(), error.what(), kind);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "error: %s\n", error.what());
  }
  end_process(1);
}

void tell(const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); }

bool cuda_module_is_mapped() {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    if (line.find("libkeratin_cuda") != std::string::npos) return true;
  }
  return false;
}

TEST_F(DeviceTest, TheCpuOpensNoModule) {
  const TemporaryFolder folder;
  install("healthy", folder);
  EXPECT_EXIT(in_process(folder.path(),
                         [] {
                           set_device("cpu");
                           const Tensor a({2, 2}, {1.0f, 2.0f, 3.0f, 4.0f});
                           tell("computed on " + ops::matmul(a, a).tensor().device());
                           tell("listed " + list_physical_devices("CPU").front().name);
                           tell(cuda_module_is_mapped() ? "mapped" : "no module");
                         }),
              ::testing::ExitedWithCode(0), "computed on cpu:0\nlisted cpu:0\nno module");
}

TEST_F(DeviceTest, ListsDescribesAndChooses) {
  const TemporaryFolder folder;
  install("healthy", folder);
  EXPECT_EXIT(
      in_process(folder.path(),
                 [] {
                   for (const DeviceInfo& device : list_physical_devices("GPU")) {
                     tell(device.name + " " + device.kind + " " + device.description + " " +
                          device.versions.front().first + device.versions.front().second);
                   }
                   tell(current_device_name() + "; " + device_reason());
                   set_device("cuda:1");
                   tell(current_device_name() + "; " + device_reason());
                   {
                     const DeviceScope scope("cpu");
                     tell("inside " + current_device_name() + "; " + device_reason());
                   }
                   tell("after " + current_device_name());
                   tell("details of cuda:0: " + device_details("cuda:0").name + ", of this: " + device_details().name);
                   tell("reason '" + gpu_unavailable_reason() + gpu_unavailable_cause() + gpu_unavailable_fix() + "'");
                   set_device("cuda:7");
                 }),
      ::testing::ExitedWithCode(1),
      "fake:0 GPU a device for tests fake1.0\nfake:1 GPU a device for tests fake1.0\n"
      "fake:0; cuda is available\nfake:1; asked for by name\n"
      "inside cpu:0; chosen by a DeviceScope\nafter fake:1\n"
      "details of cuda:0: fake:0, of this: fake:1\nreason ''\n"
      "device error .*set_device\\(\"cuda:7\"\\).*no such device; cuda has 2");
}

TEST_F(DeviceTest, AGpuThatCannotBeOpenedIsToldLikeOneThatIsNotThere) {
  const TemporaryFolder folder;
  install("open_exclusive", folder);
  EXPECT_EXIT(in_process(folder.path(),
                         [] {
                           set_log_handler([](LogLevel, std::string_view) {});
                           tell("GPUs " + std::to_string(list_physical_devices("GPU").size()));
                           tell("reason " + gpu_unavailable_reason());
                           tell("cause " + gpu_unavailable_cause());
                           tell("fix " + gpu_unavailable_fix());
                           tell(current_device_name() + "; " + device_reason());
                           set_visible_devices({});
                           tell("hidden '" + gpu_unavailable_reason() + "'");
                           set_visible_devices({"cuda:0"});
                           set_device("cuda");
                         }),
              ::testing::ExitedWithCode(1),
              "GPUs 0\nreason device \"cuda:0\" could not be opened: the fake device is in exclusive mode\n"
              "cause device_exclusive\nfix .*nvidia-smi.*\n"
              "cpu:0; cuda is not available: device \"cuda:0\" could not be opened: the fake device is in exclusive "
              "mode\nhidden ''\n"
              "device error \\[device_exclusive\\]: set_device\\(\"cuda\"\\): device \"cuda:0\" could not be opened");
  // Without listing the devices first, too.
  EXPECT_EXIT(in_process(folder.path(), [] { tell("cause " + gpu_unavailable_cause()); }), ::testing::ExitedWithCode(0),
              "cause device_exclusive");
}

TEST_F(DeviceTest, TakesTheNextGpuWhenTheFirstCannotBeOpened) {
  const TemporaryFolder folder;
  install("first_exclusive", folder);
  EXPECT_EXIT(in_process(folder.path(),
                         [] {
                           tell(current_device_name() + "; " + device_reason());
                           tell("reason '" + gpu_unavailable_reason() + gpu_unavailable_cause() + "'");
                           set_visible_devices({"cuda:0"});
                           tell(current_device_name() + "; " + gpu_unavailable_cause());
                         }),
              ::testing::ExitedWithCode(0), "cuda:1; cuda is available\nreason ''\n(.|\n)*cpu:0; device_exclusive");
}

TEST_F(DeviceTest, HidesDevices) {
  const TemporaryFolder folder;
  install("healthy", folder);
  EXPECT_EXIT(in_process(folder.path(),
                         [] {
                           tell("first " + current_device_name());
                           set_visible_devices({"cuda:1"});
                           tell("then " + current_device_name());
                           std::string names;
                           for (const std::string& name : visible_devices()) names += name + " ";
                           tell("visible " + names);
                           tell("physical " + std::to_string(list_physical_devices("GPU").size()));
                           set_visible_devices({});
                           tell("last " + current_device_name() + "; " + device_reason());
                           try {
                             set_visible_devices({"cuda:5"});
                           } catch (const DeviceNotFound& error) {
                             tell(error.what());
                           }
                           set_device("cuda:0");
                         }),
              ::testing::ExitedWithCode(1),
              "first fake:0\nthen fake:1\nvisible cpu:0 cuda:1 \nphysical 2\n"
              "last cpu:0; cuda is not available: every GPU is hidden.*\n"
              "set_visible_devices: there is no device \"cuda:5\".*\n"
              "device error .*\"cuda:0\" is hidden by set_visible_devices");
  EXPECT_EXIT(in_process(folder.path(),
                         [] {
                           set_device("cuda:0");
                           set_visible_devices({"cuda:1"});
                         }),
              ::testing::ExitedWithCode(1), "error: set_visible_devices: the current device, cuda:0, was asked for");
}

TEST_F(DeviceTest, LogsPlacement) {
  const TemporaryFolder folder;
  install("healthy", folder);
  const auto predict = [] {
    Sequential model({Input({8}), Dense(4, {.activation = "relu", .name = "first"}), Dense(2, {.name = "second"})});
    model.predict(Tensor({3, 8}));
  };
  EXPECT_EXIT(in_process(folder.path(),
                         [&] {
                           set_log_device_placement(true);
                           predict();
                         }),
              ::testing::ExitedWithCode(0),
              "plan 'predict' on fake:0, .* steps\n  op +layer +device +kernel and algorithm\n(.|\n)*"
              "  matmul_fused +.*first +fake:0 +fake step");
  EXPECT_EXIT(in_process("/nowhere",
                         [&] {
                           setenv("KERATIN_LOG_DEVICE_PLACEMENT", "1", 1);
                           set_device("cpu");
                           predict();
                         }),
              ::testing::ExitedWithCode(0), "  matmul_fused +.*second +cpu:0 +[a-z]+");
}

TEST_F(DeviceTest, RefusesWhatDoesNotFitWithTheLargestBatchThatWould) {
  const auto model = [] {
    Sequential made({Input({1000}), Dense(1000), Dense(2)});
    made.compile("sgd", "mse");
    return made;
  };
  const auto message = [](const auto& call) -> std::string {
    try {
      call();
    } catch (const OutOfMemory& error) {
      return error.what();
    }
    return "it fitted";
  };
  const Tensor x({4096, 1000}), y({4096, 2});
  Sequential small = model();
  set_device("cpu");
  set_memory_limit(memory_info("cpu").used + (std::int64_t{24} << 20), "cpu");
  EXPECT_GT(memory_info().limit, 0);
  const std::string pattern = "batch_size 4096 needs .* MiB more on cpu:0, .* batch_size ([0-9]+) would fit";
  for (const std::string& text : {message([&] { small.fit(x, y, {.batch_size = 4096, .verbose = 0}); }),
                                  message([&] { small.evaluate(x, y, {.batch_size = 4096, .verbose = 0}); })}) {
    std::smatch match;
    ASSERT_TRUE(std::regex_search(text, match, std::regex(pattern))) << text;
    EXPECT_LT(std::stoi(match[1]), 4096);
    EXPECT_GT(std::stoi(match[1]), 100);
  }
  const std::string predicted = message([&] { small.predict(Tensor({9000, 1000}), {.batch_size = 9000}); });
  EXPECT_NE(predicted.find("predict: batch_size 9000"), std::string::npos) << predicted;
  EXPECT_EQ(message([&] { small.fit(x, y, {.batch_size = 64, .verbose = 0, .steps_per_epoch = 1}); }), "it fitted");
  set_memory_limit(0, "cpu");
  EXPECT_EQ(memory_info("cpu").limit, 0);
  EXPECT_THROW(set_memory_limit(-1, "cpu"), InvalidArgument);
  set_device("auto");
}

TEST_F(DeviceTest, DataThatDoesNotFitIsStreamed) {
  const TemporaryFolder folder;
  install("healthy", folder);
  EXPECT_EXIT(in_process(folder.path(),
                         [] {
                           Sequential model({Input({1000}), Dense(2)});
                           model.compile("sgd", "mse");
                           set_memory_limit(2 << 20);
                           model.fit(Tensor({1000, 1000}), Tensor({1000, 2}),
                                     {.batch_size = 8, .epochs = 2, .verbose = 0, .validation_split = 0.5});
                         }),
              ::testing::ExitedWithCode(0),
              "fit: the data takes 1.91 MiB and fake:0 has .* left beside the model: its batches are copied there one "
              "by one");
}

TEST_F(DeviceTest, WrongKindsAreErrors) { EXPECT_THROW(list_physical_devices("gpu"), InvalidArgument); }

// ---- "auto" on a machine whose GPU cannot be used
// ----------------------------------------------------------------------

struct FallbackCase {
  const char* name;
  const char* module;  // a variant of the fake module, "none", or "cut" for half a file
  const char* script;  // of the driver
  void (*change)(GpuMachine&);
  const char* cause;
  const char* reason;  // a part of it, as an expression
  bool quiet = false;
};
void PrintTo(const FallbackCase& c, std::ostream* out) { *out << c.name; }

void unchanged(GpuMachine&) {}
void plain_machine(GpuMachine& machine) {
  machine.remove("/sys");
  machine.remove("/proc/driver");
  machine.remove("/dev");
  machine.remove("/usr");
}

class FallbackTest : public DeviceTest, public ::testing::WithParamInterface<FallbackCase> {};

TEST_P(FallbackTest, EndsOnTheCpuAndSaysWhyOnce) {
  const FallbackCase& c = GetParam();
  GpuMachine machine;
  c.change(machine);
  const TemporaryFolder folder;
  if (c.module == std::string("cut")) {
    write_file(folder.path("libkeratin_cuda13.so"),
               read_file(fake_module_folder("healthy") + "/libkeratin_fake.so").substr(0, 9000));
  } else if (c.module != std::string("none")) {
    install(c.module, folder);
  }
  const auto start = [&] {
    setenv("KERATIN_DOCTOR_ROOT", machine.folder.path().c_str(), 1);
    setenv("KERATIN_FAKE_CUDA", c.script, 1);
  };
  int warnings = 0;
  EXPECT_EXIT(in_process(folder.path(),
                         [&] {
                           start();
                           set_log_handler([&](LogLevel level, std::string_view) {
                             warnings += level == LogLevel::warning ? 1 : 0;
                           });
                           const Tensor a({2, 2}, {1.0f, 2.0f, 3.0f, 4.0f});
                           const std::string where = ops::matmul(a, a).tensor().device();
                           set_device("auto");
                           tell(where + "; " + std::to_string(warnings) + " warned; " + gpu_unavailable_cause() + "; " +
                                device_reason() + "; fix " + (gpu_unavailable_fix().empty() ? "none" : "told"));
                         }),
              ::testing::ExitedWithCode(0),
              "cpu:0; " + std::string(c.quiet ? "0" : "1") + " warned; " + c.cause + "; cuda is not available: .*" +
                  c.reason + "(.|\n)*; fix told");
  // Asked for by name, the same is an error, whose class says what kind of cause it is.
  const std::string cause = c.cause;
  const bool version = cause == "module_mismatch" || cause == "driver_mismatch" || cause == "driver_too_old" ||
                       cause == "library_wrong_major" || cause == "arch_unsupported";
  const std::string kind = cause == "module_missing" || cause == "driver_library_missing" || cause == "cublas_missing"
                               ? "LibraryMissing"
                           : version ? "VersionMismatch"
                                     : "DeviceNotFound";
  EXPECT_EXIT(in_process(folder.path(),
                         [&] {
                           start();
                           set_device("cuda");
                         }),
              ::testing::ExitedWithCode(1),
              "device error \\[" + std::string(c.cause) + "\\]: set_device\\(\"cuda\"\\): (.|\n)*" + c.reason +
                  (c.quiet ? "" : "(.|\n)*Fix: ") + "(.|\n)*Devices: cpu:0(.|\n)*of class " + kind);
}

INSTANTIATE_TEST_SUITE_P(
    Causes, FallbackTest,
    ::testing::Values(
        FallbackCase{"PlainMachine", "none", "", plain_machine, "no_nvidia_hardware", "no NVIDIA GPU", true},
        FallbackCase{"PlainMachineWithModule", "no_devices_without_words", "", plain_machine, "no_nvidia_hardware",
                     "no NVIDIA GPU", true},
        FallbackCase{"ModuleRemoved", "none", "", unchanged, "module_missing", "no module libkeratin_cuda13.so"},
        FallbackCase{"ModuleCutOff", "cut", "", unchanged, "module_broken", "cut off after 9000 bytes"},
        FallbackCase{"ModuleExchanged", "other_interface", "", unchanged, "module_mismatch", "another build"},
        FallbackCase{"ModuleIncomplete", "null_open", "", unchanged, "module_broken", "is incomplete"},
        FallbackCase{"ModuleUnlinkable", "undefined_symbol", "", unchanged, "module_broken", "nobody_defines_this"},
        FallbackCase{"DriverMismatch", "no_devices_without_words", "cuInit=803", unchanged, "driver_mismatch",
                     "different versions"},
        FallbackCase{"DriverTooOld", "no_devices_without_words", "version=12080", unchanged, "driver_too_old",
                     "offers CUDA 12.8"},
        FallbackCase{"Hidden", "no_devices_without_words", "count=0,mig=1", unchanged, "mig_without_instance", "MIG"},
        FallbackCase{"LibraryRemoved", "no_devices_without_words", "",
                     [](GpuMachine& m) { m.remove("/usr/lib/x86_64-linux-gnu/libcuda.so.1"); },
                     "driver_library_missing", "cannot be loaded"},
        FallbackCase{"LibraryCorrupted", "no_devices_without_words", "",
                     [](GpuMachine& m) { m.add_file("/usr/lib/x86_64-linux-gnu/libcuda.so.1", "half a file"); },
                     "driver_library_missing", "cannot be loaded"},
        FallbackCase{"NoDriver", "no_devices_without_words", "",
                     [](GpuMachine& m) {
                       m.remove_kernel_module();
                       m.remove("/usr/lib");
                     },
                     "no_driver", "no NVIDIA driver"},
        FallbackCase{"CublasRemoved", "no_devices_without_words", "",
                     [](GpuMachine& m) { m.remove("/usr/local/cuda/lib64/libcublasLt.so.13"); }, "cublas_missing",
                     "libcublasLt.so.13 was not found"}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace keratin::testing
