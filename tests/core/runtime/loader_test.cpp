// The loader opens a healthy module and answers every fault with a reason; nothing crashes, and "auto" ends on the CPU.
#include "keratin/core/runtime/loader.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "keratin/core/runtime/device.h"
#include "keratin/core/tensor/errors.h"
#include "tests/io/temporary_folder.h"
#include "tests/support/modules.h"

namespace keratin::testing {
namespace {

namespace fs = std::filesystem;

class LoaderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!have_modules()) GTEST_SKIP() << "a static build has no backend modules";
  }
  static LoadResult load(const std::string& path, const std::string& name = "fake") {
    const ScopedEnvironment scoped("KERATIN_BACKEND_PATH", path.c_str());
    return load_backend_module(name);
  }
  // Puts a variant of the fake module into `folder` under a name of its own, e.g. for open_device, which opens the
  // module of a name only once.
  static void install(const std::string& variant, const TemporaryFolder& folder, const std::string& file) {
    fs::copy_file(fake_module_folder(variant) + "/libkeratin_fake.so", folder.path(file));
  }
};

void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "'" << part << "' is not in '" << text << "'";
}

TEST_F(LoaderTest, OpensAHealthyModule) {
  const LoadResult loaded = load(fake_module_folder("healthy"));
  ASSERT_NE(loaded.module, nullptr) << loaded.reason;
  EXPECT_EQ(loaded.path, fake_module_folder("healthy") + "/libkeratin_fake.so");
  EXPECT_EQ(loaded.reason, "");
  EXPECT_EQ(loaded.module->name, std::string("fake"));
  EXPECT_EQ(loaded.module->fingerprint, build_fingerprint());
  EXPECT_EQ(loaded.module->device_count(), 2);
  EXPECT_EQ(loaded.module->open(1)->info().name, "fake:1");
}

TEST_F(LoaderTest, FingerprintNamesWhatItIsMadeOf) {
  for (const char* part : {"keratin ", "interface ", "compiler ", "sizes "}) expect_contains(build_fingerprint(), part);
}

struct FaultCase {
  const char* variant;
  const char* reason;  // a part of it
  const char* cause;
};
void PrintTo(const FaultCase& fault, std::ostream* out) { *out << fault.variant; }

class LoaderFault : public LoaderTest, public ::testing::WithParamInterface<FaultCase> {};

TEST_P(LoaderFault, GivesAReason) {
  const LoadResult loaded = load(fake_module_folder(GetParam().variant));
  EXPECT_EQ(loaded.module, nullptr);
  EXPECT_EQ(loaded.path, fake_module_folder(GetParam().variant) + "/libkeratin_fake.so");
  expect_contains(loaded.reason, GetParam().reason);
  EXPECT_EQ(loaded.cause, GetParam().cause);
}

INSTANTIATE_TEST_SUITE_P(
    Faults, LoaderFault,
    ::testing::Values(FaultCase{"other_interface", "interface 0123456789abcdef", "module_mismatch"},
                      FaultCase{"wrong_magic", "is not a Keratin backend module", "module_broken"},
                      FaultCase{"no_entry", "no entry keratin_backend_module", "module_broken"},
                      FaultCase{"null_entry", "is not a Keratin backend module", "module_broken"},
                      FaultCase{"entry_throws", "failed to start: out of order", "module_broken"},
                      FaultCase{"entry_throws_int", "failed to start", "module_broken"},
                      FaultCase{"null_fingerprint", "is not a Keratin backend module", "module_broken"},
                      FaultCase{"null_name", "is incomplete", "module_broken"},
                      FaultCase{"null_device_count", "is incomplete", "module_broken"},
                      FaultCase{"null_reason", "is incomplete", "module_broken"},
                      FaultCase{"null_cause", "is incomplete", "module_broken"},
                      FaultCase{"null_open", "is incomplete", "module_broken"},
                      FaultCase{"no_devices", "no fake hardware is plugged in", "no_fake_hardware"},
                      FaultCase{"no_devices_without_words", "no usable device", ""},
                      FaultCase{"count_throws", "the bus is on fire", "module_broken"},
                      FaultCase{"count_throws_int", "looked for devices", "module_broken"},
                      FaultCase{"other_name", "is called 'somebody_else', expected 'fake'", "module_broken"},
                      FaultCase{"undefined_symbol", "nobody_defines_this", "module_broken"}),
    [](const auto& info) { return std::string(info.param.variant); });

TEST_F(LoaderTest, FilesThatAreNoLibraries) {
  for (const std::string& content : {std::string(), std::string("not a library"),
                                     std::string("\x7f"
                                                 "ELF",
                                                 4),
                                     std::string("\x7f"
                                                 "ELF\2\1\1",
                                                 7) +
                                         std::string(5000, '\0')}) {
    const TemporaryFolder folder;
    write_file(folder.path("libkeratin_fake.so"), content);
    const LoadResult loaded = load(folder.path());
    EXPECT_EQ(loaded.module, nullptr);
    expect_contains(loaded.reason, "cannot be opened");
    EXPECT_EQ(loaded.cause, "module_broken");
  }
  const TemporaryFolder folder;
  fs::create_directory(folder.path("libkeratin_fake.so"));
  expect_contains(load(folder.path()).reason, "cannot be opened");
}

// Cut off as by an interrupted copy. The dynamic linker would map it and die of a bus error.
TEST_F(LoaderTest, ATruncatedModule) {
  const std::string whole = read_file(fake_module_folder("healthy") + "/libkeratin_fake.so");
  for (std::size_t tenths = 0; tenths < 8; ++tenths) {
    const TemporaryFolder folder;
    write_file(folder.path("libkeratin_fake.so"),
               whole.substr(0, std::max<std::size_t>(64, whole.size() * tenths / 10)));
    const LoadResult loaded = load(folder.path());
    EXPECT_EQ(loaded.module, nullptr);
    expect_contains(loaded.reason, "cut off");
    EXPECT_EQ(loaded.cause, "module_broken");
  }
}

TEST_F(LoaderTest, AMissingModuleIsNamedWithTheFolders) {
  const TemporaryFolder folder;
  const LoadResult loaded = load(folder.path() + ":/no/such/folder");
  EXPECT_EQ(loaded.module, nullptr);
  EXPECT_EQ(loaded.cause, "module_missing");
  expect_contains(loaded.reason, "libkeratin_fake.so");
  expect_contains(loaded.reason, folder.path());
  expect_contains(loaded.reason, "/no/such/folder");
}

TEST_F(LoaderTest, ABrokenModuleDoesNotHideALaterOne) {
  const std::string broken = fake_module_folder("wrong_magic"), healthy = fake_module_folder("healthy");
  EXPECT_NE(load(broken + ":" + healthy).module, nullptr);
  // When none works, the first one's fault is told.
  const LoadResult none = load(broken + ":" + fake_module_folder("no_devices"));
  EXPECT_EQ(none.module, nullptr);
  expect_contains(none.reason, broken);
}

TEST_F(LoaderTest, NeverLooksInTheCurrentDirectory) {
  const fs::path before = fs::current_path();
  fs::current_path(fake_module_folder("healthy"));
  for (const char* path : {"", ".", ":", "./", "::.", "../healthy"}) {
    const LoadResult loaded = load(path);
    EXPECT_EQ(loaded.module, nullptr) << "path '" << path << "'";
    EXPECT_EQ(loaded.cause, "module_missing");
  }
  fs::current_path(before);
}

TEST_F(LoaderTest, AFileMayHaveASuffix) {
  const TemporaryFolder folder;
  fs::copy_file(module_folder() + "/libkeratin_reference.so", folder.path("libkeratin_reference_slow.so"));
  EXPECT_NE(load(folder.path(), "reference_slow").module, nullptr);
  fs::copy_file(module_folder() + "/libkeratin_reference.so", folder.path("libkeratin_references.so"));
  expect_contains(load(folder.path(), "references").reason, "is called 'reference', expected 'references'");
}

TEST_F(LoaderTest, LooksForBothCudaVersions) {
  const TemporaryFolder folder;
  install("healthy", folder, "libkeratin_cuda12.so");
  EXPECT_EQ(load(folder.path(), "cuda").path, folder.path("libkeratin_cuda12.so"));
  install("no_devices", folder, "libkeratin_cuda13.so");
  EXPECT_EQ(load(folder.path(), "cuda").path, folder.path("libkeratin_cuda12.so"));
}

TEST_F(LoaderTest, TellsOfTheModuleThatTheDriverServes) {
  const TemporaryFolder folder;
  const std::string only = folder.path() + ":-";  // not the modules of this build
  install("old_driver", folder, "libkeratin_cuda13.so");
  EXPECT_EQ(load(only, "cuda").cause, "driver_too_old");
  install("no_devices", folder, "libkeratin_cuda12.so");
  const LoadResult loaded = load(only, "cuda");
  EXPECT_EQ(loaded.module, nullptr);
  EXPECT_EQ(loaded.path, folder.path("libkeratin_cuda12.so"));
  EXPECT_NE(loaded.cause, "driver_too_old");
  // A file that cannot be opened is for no driver at all. The one before it is still loaded, and must not be cut short.
  std::filesystem::remove(folder.path("libkeratin_cuda12.so"));
  write_file(folder.path("libkeratin_cuda12.so"), "half a file");
  EXPECT_EQ(load(only, "cuda").cause, "driver_too_old");
}

// What open_device says of a device whose module stands in `folder` as libkeratin_<backend>.so.
std::string open_error(const TemporaryFolder& folder, const std::string& device, std::string& cause) {
  const ScopedEnvironment scoped("KERATIN_BACKEND_PATH", folder.path().c_str());
  try {
    open_device(device);
  } catch (const DeviceError& error) {
    cause = error.cause();
    return error.what();
  }
  return "opened";
}

TEST_F(LoaderTest, OpenDeviceTellsWhatWentWrong) {
  const TemporaryFolder folder;
  std::string cause;
  install("no_devices", folder, "libkeratin_loader_none.so");
  const std::string none = open_error(folder, "loader_none:0", cause);
  expect_contains(none, "device \"loader_none:0\": no such device");
  expect_contains(none, "no fake hardware is plugged in");
  EXPECT_EQ(cause, "no_fake_hardware");

  install("open_throws", folder, "libkeratin_loader_busy.so");
  expect_contains(open_error(folder, "loader_busy", cause), "the fake device is busy");
  EXPECT_EQ(cause, "fake_busy");

  install("open_throws_other", folder, "libkeratin_loader_other.so");
  expect_contains(open_error(folder, "loader_other", cause), "the fake driver gave up");

  install("open_null", folder, "libkeratin_loader_null.so");
  expect_contains(open_error(folder, "loader_null:1", cause), "could not be opened");
  EXPECT_EQ(cause, "module_broken");

  install("healthy", folder, "libkeratin_loader_healthy.so");
  expect_contains(open_error(folder, "loader_healthy:2", cause), "loader_healthy has 2");
  EXPECT_EQ(open_error(folder, "loader_healthy:1", cause), "opened");
  EXPECT_THROW(open_device("loader_healthy:x"), InvalidArgument);
}

// A process of its own for each: the choice is made once.
class AutoDevice : public LoaderTest {
 protected:
  void SetUp() override {
    LoaderTest::SetUp();
    ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  }
};

[[noreturn]] void choose_and_tell(const TemporaryFolder& folder) {
  setenv("KERATIN_BACKEND_PATH", folder.path().c_str(), 1);
  unsetenv("KERATIN_DEVICE");
  try {
    const std::string name = current_device_name();
    const std::string listed = list_physical_devices("CPU").front().name;
    std::fprintf(stderr, "chosen: %s; listed: %s; reason: %s\n", name.c_str(), listed.c_str(), device_reason().c_str());
    std::exit(0);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "exception: %s\n", error.what());
    std::exit(1);
  }
}

TEST_F(AutoDevice, EveryFaultEndsOnTheCpuWithTheReason) {
  const struct {
    const char* variant;
    const char* reason;
  } cases[] = {{"other_interface", "belongs to another build of Keratin"},
               {"null_open", "is incomplete"},
               {"no_devices", "(no fake hardware|[Tt]his machine has no NVIDIA GPU)"},
               {"count_throws", "the bus is on fire"},
               {"open_throws", "the fake device is busy"},
               {"open_throws_other", "the fake driver gave up"},
               {"open_null", "could not be opened"},
               {"undefined_symbol", "nobody_defines_this"}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.variant);
    const TemporaryFolder folder;
    install(c.variant, folder, "libkeratin_cuda12.so");
    EXPECT_EXIT(choose_and_tell(folder), ::testing::ExitedWithCode(0),
                "chosen: cpu:0; listed: cpu:0; reason: cuda is not available: .*" + std::string(c.reason));
  }
}

TEST_F(AutoDevice, TakesAHealthyGpu) {
  const TemporaryFolder folder;
  install("healthy", folder, "libkeratin_cuda13.so");
  EXPECT_EXIT(choose_and_tell(folder), ::testing::ExitedWithCode(0),
              "chosen: fake:0; listed: cpu:0; reason: cuda is available");
}

}  // namespace
}  // namespace keratin::testing
