// cuBLASLt and cuDNN removed, damaged and exchanged: the backend's own search and door, on the simulated GPU, with
// files in a folder. Without cuBLASLt programs run on the CPU; without cuDNN they keep the GPU; both say why, and
// doctor names the cause.
#include <gtest/gtest.h>

#include <functional>

#include "tests/backends/cuda/probe/gpu_machine.h"
#include "tests/house/command.h"

namespace keratin::testing {
namespace {

namespace fs = std::filesystem;

const std::string kModules = KERATIN_BINARY_DIR "/modules/libraries";
const std::string kCublas = kModules + "/libkeratin_fake_cublas_lt.so", kCudnn = kModules + "/libkeratin_fake_cudnn.so";
const std::string kFolder = "/usr/local/cuda/lib64/";
const std::string kCublasFile = kFolder + "libcublasLt.so.13", kCudnnFile = kFolder + "libcudnn.so.9";

// A library in good order that needs a function nobody has.
std::string unlinkable() { return fake_module_folder("undefined_symbol") + "/libkeratin_fake.so"; }

// A machine whose libraries have every function the backend needs.
class LibraryMachine : public GpuMachine {
 public:
  LibraryMachine() {
    exchange(kCublasFile, kCublas);
    exchange(kCudnnFile, kCudnn);
  }
  void exchange(const std::string& path, const std::string& by) {
    remove(path);
    add_copy(path, by);
  }
  // An interrupted copy.
  void cut_off(const std::string& path) {
    const std::string whole = read_file(folder.path() + path);
    write_file(folder.path() + path, whole.substr(0, whole.size() / 2));
  }
  // As if it were for another kind of processor.
  void make_foreign(const std::string& path) {
    std::string file = read_file(folder.path() + path);
    file[18] = '\xb7';  // e_machine: AArch64; x86-64 is 0x3e
    write_file(folder.path() + path, file);
  }
};

struct FileCase {
  const char* name;
  std::function<void(LibraryMachine&)> change;
  bool gpu;            // is still used
  const char* cause;   // that doctor finds; "" for none
  const char* reason;  // a part of what is said
  const char* script = "";
};
void PrintTo(const FileCase& c, std::ostream* out) { *out << c.name; }

class LibraryFiles : public ::testing::TestWithParam<FileCase> {};

TEST_P(LibraryFiles, GiveTheRightDeviceAndReason) {
  if (!fs::exists(kModules + "/libkeratin_cuda13.so") || !fs::exists(KERATIN_TOOL)) {
    GTEST_SKIP() << "this build has no simulated GPU or no keratin command";
  }
  const FileCase& c = GetParam();
  LibraryMachine machine;
  c.change(machine);
  const auto run = [&](const char* device, std::vector<std::string> command) {
    command.insert(command.begin(), KERATIN_TOOL);
    return house::run_command(command, {{"KERATIN_DOCTOR_ROOT", machine.folder.path()},
                                        {"KERATIN_BACKEND_PATH", kModules + ":-"},
                                        {"KERATIN_DEVICE", device},
                                        {"KERATIN_CUDA_PATH", ""},
                                        {"CUDA_HOME", ""},
                                        {"CUDA_PATH", ""},
                                        {"KERATIN_CUDASIM", ""},
                                        {"KERATIN_FAKE_CUDA", c.script}});
  };
  const house::CommandResult told = run("auto", {"devices"});
  const auto says = [&](const std::string& part) { return told.output.find(part) != std::string::npos; };
  EXPECT_EQ(told.status, 0) << told.output;
  EXPECT_EQ(says("\ncuda:0  simulated GPU"), c.gpu) << told.output;
  EXPECT_EQ(says("auto takes cuda:0: "), c.gpu) << told.output;
  EXPECT_EQ(says("auto takes cpu:0: cuda is not available: cuBLASLt cannot be used: "), !c.gpu) << told.output;
  EXPECT_TRUE(says(c.reason)) << "'" << c.reason << "' is not in\n" << told.output;
  // Who asks for the GPU gets it, or an error with the way out.
  const house::CommandResult asked = run("cuda", {"devices"});
  EXPECT_EQ(asked.status == 0, c.gpu) << asked.output;
  const std::string known = "(cause: " + std::string(c.cause) + "). Fix: ";
  EXPECT_EQ(asked.output.find(known) != std::string::npos, !c.gpu) << known << " is not in\n" << asked.output;
  if (!*c.cause) return;
  const house::CommandResult doctor = run("auto", {"doctor", "--json"});
  const std::string cause = "\"cause\": \"" + std::string(c.cause) + "\"";
  EXPECT_NE(doctor.output.find(cause), std::string::npos) << cause << " is not in\n" << doctor.output;
  // With a GPU doctor also says that what does nothing computes wrong numbers.
  EXPECT_EQ(doctor.output.find("{\n  " + cause) == 0, !c.gpu) << doctor.output;
  EXPECT_EQ(doctor.status, 1) << doctor.output;
}

INSTANTIATE_TEST_SUITE_P(
    Files, LibraryFiles,
    ::testing::Values(
        FileCase{"Healthy", [](LibraryMachine&) {}, true, "", "\n  cuDNN 9.19.0\n"},
        FileCase{
            "NoCublas", [](LibraryMachine& m) { m.remove(kCublasFile); }, false, "cublas_missing",
            "libcublasLt.so.13 was not found; looked in the CUDA toolkit (/usr/local/cuda, /usr/local/cuda/lib64)"},
        FileCase{"CublasCutOff", [](LibraryMachine& m) { m.cut_off(kCublasFile); }, false, "cublas_broken",
                 "libcublasLt.so.13 cannot be used: it is cut off after "},
        FileCase{"CublasIsText", [](LibraryMachine& m) { m.add_file(kCublasFile, "a page of a proxy"); }, false,
                 "cublas_broken", "libcublasLt.so.13 cannot be used: it is not a shared library"},
        FileCase{"CublasForAnotherProcessor", [](LibraryMachine& m) { m.make_foreign(kCublasFile); }, false,
                 "cublas_broken", "libcublasLt.so.13 cannot be used: it is not a shared library for this machine"},
        FileCase{"CublasCannotBeLinked", [](LibraryMachine& m) { m.exchange(kCublasFile, unlinkable()); }, false,
                 "cublas_broken", "libcublasLt.so.13 cannot be opened: "},
        FileCase{"CublasOfAnotherMajor",
                 [](LibraryMachine& m) {
                   m.remove(kCublasFile);
                   m.add_copy(kFolder + "libcublasLt.so.12", kCublas);
                 },
                 false, "library_wrong_major", "only another major version was found, not libcublasLt.so.13: "},
        FileCase{"CublasIsAnotherLibrary", [](LibraryMachine& m) { m.exchange(kCublasFile, kCudnn); }, false,
                 "cublas_broken", "libcublasLt.so.13 has no function cublasLtCreate"},
        FileCase{"CublasLacksFunctions", [](LibraryMachine& m) { m.exchange(kCublasFile, kFakeDriver); }, false,
                 "cublas_broken", "libcublasLt.so.13 has no function cublasLtCreate"},
        // What is damaged is passed over.
        FileCase{"ASecondCublas",
                 [](LibraryMachine& m) {
                   m.cut_off(kCublasFile);
                   m.add_copy("/usr/lib/x86_64-linux-gnu/libcublasLt.so.13", kCublas);
                 },
                 true, "", "\n  cuDNN 9.19.0\n"},
        FileCase{"NoCudnn", [](LibraryMachine& m) { m.remove(kCudnnFile); }, true, "cudnn_missing",
                 "cuDNN not used: libcudnn.so.9 was not found; looked in "},
        FileCase{"CudnnCutOff", [](LibraryMachine& m) { m.cut_off(kCudnnFile); }, true, "cudnn_broken",
                 "libcudnn.so.9 cannot be used: it is cut off after "},
        FileCase{"CudnnIsText", [](LibraryMachine& m) { m.add_file(kCudnnFile, "a page of a proxy"); }, true,
                 "cudnn_broken", "libcudnn.so.9 cannot be used: it is not a shared library"},
        FileCase{"CudnnForAnotherProcessor", [](LibraryMachine& m) { m.make_foreign(kCudnnFile); }, true,
                 "cudnn_broken", "libcudnn.so.9 cannot be used: it is not a shared library for this machine"},
        FileCase{"CudnnCannotBeLinked", [](LibraryMachine& m) { m.exchange(kCudnnFile, unlinkable()); }, true,
                 "cudnn_broken", "libcudnn.so.9 cannot be opened: "},
        FileCase{"CudnnPartMissing", [](LibraryMachine& m) { m.remove(kFolder + "libcudnn_cnn.so.9"); }, true,
                 "cudnn_broken", "libcudnn.so.9 lacks libcudnn_cnn.so.9, which must stand beside it"},
        FileCase{"CudnnPartCutOff", [](LibraryMachine& m) { m.cut_off(kFolder + "libcudnn_ops.so.9"); }, true,
                 "cudnn_broken",
                 "libcudnn.so.9 lacks libcudnn_ops.so.9, which must stand beside it; of libcudnn_ops.so.9: it is cut "
                 "off after "},
        FileCase{"CudnnPartCannotBeLinked",
                 [](LibraryMachine& m) { m.exchange(kFolder + "libcudnn_ops.so.9", unlinkable()); }, true,
                 "cudnn_broken", "libcudnn_ops.so.9 cannot be opened: "},
        FileCase{"CudnnOfAnotherMajor",
                 [](LibraryMachine& m) {
                   m.remove(kCudnnFile);
                   m.add_copy(kFolder + "libcudnn.so.8", kCudnn);
                 },
                 true, "library_wrong_major",
                 "cuDNN not used: only another major version was found, not libcudnn.so.9: "},
        FileCase{"CudnnIsAnotherLibrary", [](LibraryMachine& m) { m.exchange(kCudnnFile, kCublas); }, true,
                 "cudnn_broken", "libcudnn.so.9 has no function cudnnCreate"},
        FileCase{"CudnnForAnotherCuda", [](LibraryMachine&) {}, true, "cudnn_other_cuda",
                 "libcudnn.so.9 is built for CUDA 12, this backend for CUDA 13", "cudnnGetCudartVersion=12090"},
        FileCase{"CudnnDoesNotStart", [](LibraryMachine&) {}, true, "", "cuDNN not used: cuda: cudnnCreate failed",
                 "cudnnCreate=1001"}),
    [](const auto& info) { return std::string(info.param.name); });

// Modules for CUDA 13 and 12, and a driver that serves the older one, which lacks its libraries.
TEST(LibraryFixes, AreForTheModuleThatTheDriverServes) {
  if (!fs::exists(kModules + "/libkeratin_cuda13.so") || !fs::exists(KERATIN_TOOL)) {
    GTEST_SKIP() << "this build has no simulated GPU or no keratin command";
  }
  LibraryMachine machine;
  machine.remove(kCublasFile);
  const TemporaryFolder modules;
  fs::copy_file(kModules + "/libkeratin_cuda13.so", modules.path("libkeratin_cuda12.so"));
  const auto asked = [&] {
    return house::run_command({KERATIN_TOOL, "devices"}, {{"KERATIN_DOCTOR_ROOT", machine.folder.path()},
                                                          {"KERATIN_BACKEND_PATH", modules.path() + ":-"},
                                                          {"KERATIN_DEVICE", "cuda"},
                                                          {"KERATIN_CUDA_PATH", ""},
                                                          {"CUDA_HOME", ""},
                                                          {"CUDA_PATH", ""},
                                                          {"CONDA_PREFIX", ""},
                                                          {"VIRTUAL_ENV", "/venv"},
                                                          {"KUBERNETES_SERVICE_HOST", ""},
                                                          {"KERATIN_CUDASIM", ""},
                                                          {"KERATIN_FAKE_CUDA", "version=12020"}})
        .output;
  };
  const std::string fix = "(cause: cublas_missing). Fix: pip install nvidia-cublas-cu12";
  const std::string alone = asked();
  EXPECT_NE(alone.find(fix), std::string::npos) << alone;
  fs::copy_file(fake_module_folder("old_driver") + "/libkeratin_fake.so", modules.path("libkeratin_cuda13.so"));
  const std::string both = asked();
  EXPECT_NE(both.find(fix), std::string::npos) << both;
}

}  // namespace
}  // namespace keratin::testing
