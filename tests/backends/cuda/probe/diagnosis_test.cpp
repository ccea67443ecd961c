// Every cause is told apart, with the scripted driver and a machine in a folder; nothing crashes, nothing hangs.
#include "keratin/backends/cuda/probe/diagnosis.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <functional>
#include <set>

#include "keratin/backends/cuda/probe/versions.h"
#include "tests/backends/cuda/probe/gpu_machine.h"

namespace keratin::testing {
namespace {

using probe::Diagnosis;
using probe::ModuleReport;
using probe::SystemKind;

constexpr const char *kCuda13 = "/usr/lib/keratin/libkeratin_cuda13.so",
                     *kCuda12 = "/usr/lib/keratin/libkeratin_cuda12.so";

void healthy_module(ModuleReport& report) {
  probe::set_text(report.path, kCuda13);
  report.devices = 1;
}
void module_with(ModuleReport& report, const char* cause, const char* reason) {
  probe::set_text(report.cause, cause);
  probe::set_text(report.reason, reason);
}

void no_module(ModuleReport& report) { module_with(report, "module_missing", "no module libkeratin_cuda13.so"); }

Diagnosis diagnose(const GpuMachine& machine, const std::string& script,
                   const std::function<void(ModuleReport&)>& module = healthy_module, double seconds = 20,
                   const std::vector<std::string>& modules = {}) {
  const ScopedEnvironment scoped("KERATIN_FAKE_CUDA", script.c_str());
  return probe::diagnose(probe::gather(machine.system, {.seconds = seconds, .modules = modules, .ask_module = module}));
}

std::string told(const Diagnosis& diagnosis) {
  std::string text;
  for (const probe::Finding& finding : diagnosis.findings) text += finding.cause + ": " + finding.text() + "\n";
  for (const probe::Check& check : diagnosis.checks) text += "  " + check.name + ": " + check.text + "\n";
  return text;
}

struct CauseCase {
  const char* name;
  const char* cause;
  const char* script;  // of the driver
  std::function<void(GpuMachine&)> change;
  const char* part;  // of the finding's text or of its fix
  int exit_status = 1;
  std::function<void(ModuleReport&)> module = healthy_module;
};
void PrintTo(const CauseCase& c, std::ostream* out) { *out << c.name; }

const std::function<void(GpuMachine&)> kUnchanged = [](GpuMachine&) {};

std::function<void(GpuMachine&)> with_visible(const char* devices) {
  return [devices](GpuMachine& m) { m.environment["CUDA_VISIBLE_DEVICES"] = devices; };
}

void make_ubuntu(GpuMachine& machine) { machine.add_file("/etc/os-release", "ID=ubuntu\nID_LIKE=debian\n"); }

// The machine is made bare: no trace of NVIDIA.
void strip(GpuMachine& machine) {
  machine.remove_driver();
  machine.remove_kernel_module();
  machine.remove("/sys");
}

const std::vector<CauseCase>& cases() {
  static const std::vector<CauseCase> table = {
      {"Healthy", "none", "", kUnchanged, "", 0},
      {"PlainMachine", "no_nvidia_hardware", "", strip, "Nothing needs to be done", 0, no_module},
      {"PlainMachineWithLibcuda", "no_nvidia_hardware", "cuInit=100,nvml_count=0,nvmlInit=9",
       [](GpuMachine& m) {
         m.remove_kernel_module();
         m.remove("/sys");
       },
       "", 0, no_module},
      {"OtherVendorsGpu", "no_nvidia_hardware", "",
       [](GpuMachine& m) {
         strip(m);
         m.add_gpu("");
         m.add_file("/sys/bus/pci/devices/0000:17:00.0/vendor", "0x1002");
       },
       "", 0, no_module},
      {"AudioOfAGpuInUseByAGuest", "no_nvidia_hardware", "",
       [](GpuMachine& m) {
         strip(m);
         m.add_gpu("");
         m.add_file("/sys/bus/pci/devices/0000:17:00.0/class", "0x040300");
       },
       "", 0, no_module},
      {"NoDriver", "no_driver", "",
       [](GpuMachine& m) {
         m.remove_driver();
         m.remove_kernel_module();
       },
       "10de:2335"},
      {"NoDriverOnUbuntu", "no_driver", "",
       [](GpuMachine& m) {
         m.remove_driver();
         m.remove_kernel_module();
         make_ubuntu(m);
       },
       "\nsudo ubuntu-drivers install nvidia:580"},
      {"DriverNotLoaded", "no_driver", "cuInit=999,nvmlInit=9", [](GpuMachine& m) { m.remove_kernel_module(); },
       "its kernel module is not loaded"},
      {"Nouveau", "nouveau_driver", "",
       [](GpuMachine& m) {
         m.remove_driver();
         m.remove_kernel_module();
         m.add_gpu("nouveau");
       },
       "keeps nouveau away"},
      {"LibraryMissing", "driver_library_missing", "", [](GpuMachine& m) { m.remove_driver(); },
       "\nsudo apt install libcuda1, of version 580.82.07."},
      {"LibraryMissingOnUbuntu", "driver_library_missing", "",
       [](GpuMachine& m) {
         m.remove_driver();
         make_ubuntu(m);
       },
       "\nsudo apt install libnvidia-compute-580, of version 580.82.07;"},
      {"LibraryMissingInAContainer", "driver_library_missing", "",
       [](GpuMachine& m) {
         m.remove_driver();
         m.add_file("/.dockerenv");
       },
       "NVIDIA_DRIVER_CAPABILITIES"},
      {"Container", "container_without_gpu", "",
       [](GpuMachine& m) {
         m.remove_driver();
         m.remove("/dev");
         m.add_file("/.dockerenv");
       },
       "docker run --gpus all"},
      {"Kubernetes", "container_without_gpu", "cuInit=100,nvmlInit=9",
       [](GpuMachine& m) {
         m.remove("/dev");
         m.environment["KUBERNETES_SERVICE_HOST"] = "10.0.0.1";
       },
       "nvidia.com/gpu"},
      {"Podman", "container_without_gpu", "cuInit=100",
       [](GpuMachine& m) {
         m.remove("/dev");
         m.add_file("/run/.containerenv");
       },
       "--gpus all"},
      {"NodesMissing", "device_nodes_missing", "cuInit=999", [](GpuMachine& m) { m.remove("/dev/nvidia-uvm"); },
       "nvidia-modprobe"},
      {"NodesForbidden", "device_nodes_permission", "cuInit=100",
       [](GpuMachine& m) {
         m.system.may_use = [](const std::string& path) { return !path.ends_with("/dev/nvidiactl"); };
       },
       "usermod -aG"},
      {"DriverTooOld", "driver_too_old", "version=12080,driver=570.124", kUnchanged,
       "driver 570.124 offers CUDA 12.8, CUDA 13.0 is needed"},
      {"Mismatch", "driver_mismatch", "cuInit=803,nvmlInit=18", kUnchanged, "Restart the machine"},
      {"MismatchToldByNvml", "driver_mismatch", "cuInit=999,nvmlInit=18", kUnchanged, "different versions"},
      {"Compat", "compat_unsupported", "cuInit=804",
       [](GpuMachine& m) {
         m.add_copy("/usr/local/cuda-13.0/compat/libcuda.so.1", kFakeDriver);
         m.libraries["libcuda.so.1"] = m.folder.path() + "/usr/local/cuda-13.0/compat/libcuda.so.1";
       },
       "/compat/libcuda.so.1"},
      {"StubByCode", "stub_driver", "cuInit=34", kUnchanged, "LD_LIBRARY_PATH"},
      {"StubByPath", "stub_driver", "",
       [](GpuMachine& m) {
         m.add_copy("/usr/local/cuda/lib64/stubs/libcuda.so.1", kFakeDriver);
         m.libraries["libcuda.so.1"] = m.folder.path() + "/usr/local/cuda/lib64/stubs/libcuda.so.1";
       },
       "/stubs/libcuda.so.1"},
      {"Hidden", "devices_hidden", "cuInit=100", with_visible("-1"), "CUDA_VISIBLE_DEVICES=\"-1\""},
      {"HiddenByEmpty", "devices_hidden", "count=0", with_visible(""), "CUDA_VISIBLE_DEVICES=\"\""},
      {"HiddenByANumber", "devices_hidden", "cuInit=100,nvml_count=2", with_visible("2,0"), "there is no GPU 2"},
      {"HiddenByANumberOfTheBus", "devices_hidden", "cuInit=100,nvmlInit=9", with_visible("1"), "there is no GPU 1"},
      {"HiddenByAnId", "devices_hidden", "count=0,nvml_count=2", with_visible("GPU-12,0"), "no GPU has this id"},
      {"HiddenByAnIdOfAnInstance", "devices_hidden", "count=0", with_visible("MIG-1234"), "no GPU is in MIG mode"},
      {"HiddenBySlurm", "devices_hidden", "cuInit=100", with_visible("NoDevFiles"), "neither a number nor an id"},
      {"EmptyWithMig", "devices_hidden", "count=0,mig=1", with_visible(""), "which names no GPU"},
      {"UnknownWithAVisibleGpu", "no_usable_device", "cuInit=999", with_visible("0"), "CUDA error 999"},
      {"NoDeviceWithAVisibleGpu", "no_usable_device", "cuInit=100,nvml_count=2", with_visible(" 1,7"),
       "CUDA error 100"},
      {"NoDeviceWithAVisibleId", "no_usable_device", "cuInit=100,nvml_count=2", with_visible("GPU-1111"),
       "CUDA error 100"},
      {"NoDeviceWithAnIdNobodyKnows", "no_usable_device", "cuInit=100,nvmlInit=9", with_visible("GPU-12"),
       "CUDA error 100"},
      {"HiddenByTheContainer", "devices_hidden", "count=0",
       [](GpuMachine& m) { m.environment["NVIDIA_VISIBLE_DEVICES"] = "void"; }, "NVIDIA_VISIBLE_DEVICES"},
      {"FabricManager", "fabric_manager", "cuInit=802", kUnchanged, "nvidia-fabricmanager"},
      {"Unknown", "no_usable_device", "cuInit=999", kUnchanged, "CUDA error 999"},
      {"NoDeviceForNoReason", "no_usable_device", "count=0",
       [](GpuMachine& m) { m.environment["NVIDIA_VISIBLE_DEVICES"] = "all"; }, "counts 0 devices"},
      {"NotInitialised", "no_usable_device", "cuInit=3", kUnchanged, "CUDA error 3"},
      {"Mig", "mig_without_instance", "count=0,mig=1", kUnchanged, "nvidia-smi mig"},
      {"MigWithAVisibleGpu", "mig_without_instance", "count=0,mig=1", with_visible("0"), "nvidia-smi mig"},
      {"MigWithAnIdOfAnInstance", "mig_without_instance", "count=0,mig=1", with_visible("MIG-1234"), "nvidia-smi -L"},
      {"Lost", "device_lost", "cuInit=100,nvmlDevice=15", kUnchanged, "GPU 0 is lost"},
      {"SecondLost", "device_lost", "cuInit=999,nvml_count=2,nvmlDevice@1=15", kUnchanged, "GPU 1 is lost"},
      {"EccAtOpening", "device_lost", "cuDevicePrimaryCtxRetain=214", kUnchanged, "uncorrectable"},
      {"EccCounted", "device_lost", "ecc=3", kUnchanged, "3 uncorrected memory errors", 0},
      {"PagesToRetire", "device_lost", "pages_pending=1", kUnchanged, "damaged pages of memory wait for a reset", 0},
      {"RowsToRemapOfTheSecond", "device_lost", "count=2,nvml_count=2,rows_pending@1=1", kUnchanged,
       "damaged rows of memory wait for a reset", 0},
      {"RemappingFailed", "device_lost", "ecc=1,remap_failed=1", kUnchanged,
       "1 uncorrected memory errors since the driver was loaded, damaged rows of memory could not be remapped.", 0},
      {"Exclusive", "device_exclusive", "mode=3,cuDevicePrimaryCtxRetain=46", kUnchanged, "device unavailable"},
      {"Prohibited", "device_exclusive", "mode=2,cuDevicePrimaryCtxRetain=46", kUnchanged, "nvidia-smi -c 0"},
      {"Mps", "mps_trouble", "cuInit=805", kUnchanged, "nvidia-cuda-mps-control"},
      {"MpsAtOpening", "mps_trouble", "cuDevicePrimaryCtxRetain=807", kUnchanged, "MPS server not ready"},
      {"OldGpu", "arch_unsupported", "capability=70", kUnchanged, "compute capability 7.0"},
      {"NoCode", "arch_unsupported", "", kUnchanged,
       "no kernel for sm_90.\nCompute capability 7.5 and newer: build Keratin for this GPU, cmake "
       "-DCMAKE_CUDA_ARCHITECTURES=90.",
       1, [](ModuleReport& report) { module_with(report, "arch_unsupported", "no kernel for sm_90"); }},
      {"NoCodeForTwoGpus", "arch_unsupported", "count=2,nvml_count=2,capability@1=80", kUnchanged,
       "cmake -DCMAKE_CUDA_ARCHITECTURES=\"80;90\".", 1,
       [](ModuleReport& report) { module_with(report, "arch_unsupported", "no kernel for sm_80"); }},
      {"MemoryHeld", "memory_held", "free=104857600,processes=2", kUnchanged,
       "100 MiB free; held by process 4000 (71680 MiB), process 4001"},
      {"MemoryOfTheSecondHeld", "memory_held", "count=2,nvml_count=2,free@1=104857600,processes@0=1,processes@1=2",
       kUnchanged, "100 MiB free; held by process 4100 (71680 MiB), process 4101 (71680 MiB).", 0},
      {"MemoryHeldAtOpeningTheSecond", "memory_held", "count=2,nvml_count=2,cuDevicePrimaryCtxRetain@1=2,processes=1",
       kUnchanged, "; held by process 4100", 0},
      {"MemoryHeldAtOpening", "memory_held", "cuDevicePrimaryCtxRetain=2,processes=1", kUnchanged, "process 4000"},
      {"Jit", "jit_missing", "cuDevicePrimaryCtxRetain=221", kUnchanged, "ptxjitcompiler"},
      {"JitForANewGpu", "jit_missing", "capability=120", kUnchanged, "libnvidia-ptxjitcompiler.so.1 is not beside", 0},
      {"JitOnUbuntu", "jit_missing", "capability=120", make_ubuntu,
       "\nsudo apt install libnvidia-compute-580, of version 580.82.07;", 0},
      {"Wsl", "wsl_driver", "",
       [](GpuMachine& m) {
         strip(m);
         m.add_file("/proc/version", "Linux version 5.15.90.1-microsoft-standard-WSL2");
         m.add_file("/dev/dxg");
       },
       "in Windows"},
      {"WslWithALinuxDriver", "wsl_driver", "cuInit=100,nvmlInit=9",
       [](GpuMachine& m) {
         m.remove_kernel_module();
         m.remove("/sys");
         m.add_file("/proc/version", "Linux version 5.15.90.1-microsoft-standard-WSL2");
         m.add_file("/dev/dxg");
       },
       "never install a Linux driver"},
      {"WslHealthy", "none", "",
       [](GpuMachine& m) {
         strip(m);
         m.add_file("/proc/version", "Linux version 5.15.90.1-microsoft-standard-WSL2");
         m.add_file("/dev/dxg");
         m.add_copy("/usr/lib/wsl/lib/libcuda.so.1", kFakeDriver);
       },
       "", 0},
      {"DriverAborts", "driver_crashed", "cuInit=abort", kUnchanged, "in cuInit: ended by signal 6"},
      {"DriverCrashes", "driver_crashed", "cuDevicePrimaryCtxRetain=crash", kUnchanged, "ended by signal 11"},
      {"CublasMissing", "cublas_missing", "",
       [](GpuMachine& m) { m.remove("/usr/local/cuda/lib64/libcublasLt.so.13"); }, "was not found; looked in"},
      {"CublasAborts", "cublas_broken", "cublasLtGetVersion=abort", kUnchanged, "ended by signal 6"},
      {"CublasDamaged", "cublas_broken", "",
       [](GpuMachine& m) { m.add_file("/usr/local/cuda/lib64/libcublasLt.so.13", "half a file"); },
       "it is not a shared library"},
      {"OldCublas", "library_wrong_major", "",
       [](GpuMachine& m) {
         m.remove("/usr/local/cuda/lib64/libcublasLt.so.13");
         m.add_copy("/usr/local/cuda/lib64/libcublasLt.so.12", kFakeDriver);
         m.environment["VIRTUAL_ENV"] = "/venv";
       },
       "pip install nvidia-cudnn-cu13 nvidia-cublas"},
      {"NewCublas", "library_wrong_major", "version=12020", kUnchanged,
       "pip install nvidia-cudnn-cu12 nvidia-cublas-cu12; or from NVIDIA's repository, where it has them for this "
       "release: sudo apt install libcublas-12-9 cudnn9-cuda-12",
       1,
       [](ModuleReport& report) {
         probe::set_text(report.path, kCuda12);
         module_with(report, "library_wrong_major", "only another major version was found");
       }},
      {"OldCudnn", "library_wrong_major", "",
       [](GpuMachine& m) {
         m.remove("/usr/local/cuda/lib64/libcudnn.so.9");
         m.add_copy("/usr/local/cuda/lib64/libcudnn.so.8", kFakeDriver);
         m.environment["CONDA_PREFIX"] = "/conda";
       },
       "conda install", 0},
      {"CudnnMissing", "cudnn_missing", "", [](GpuMachine& m) { m.remove("/usr/local/cuda/lib64/libcudnn.so.9"); },
       "slower convolutions", 0},
      {"CudnnPartMissing", "cudnn_broken", "",
       [](GpuMachine& m) { m.remove("/usr/local/cuda/lib64/libcudnn_ops.so.9"); }, "lacks libcudnn_ops.so.9", 0},
      {"CudnnPartDamaged", "cudnn_broken", "",
       [](GpuMachine& m) {
         m.add_file("/usr/local/cuda/lib64/libcudnn_cnn.so.9", read_file(kFakeDriver).substr(0, 3000));
       },
       "libcudnn_cnn.so.9", 0},
      {"CudnnAborts", "cudnn_broken", "cudnnGetVersion=abort", kUnchanged, "Cannot load symbol cudnnGetVersion", 0},
      {"CudnnMixed", "cudnn_mixed", "cudnnCnnVersionCheck=1002", kUnchanged, "gives 1002", 0},
      {"CudnnCheckFails", "cudnn_broken", "cudnnOpsVersionCheck=1008", kUnchanged, "gives 1008", 0},
      {"CudnnTooOld", "cudnn_too_old", "cudnnGetVersion=90501", kUnchanged, "version 9.5.1", 0},
      {"CudnnOlderThanTheGpu", "cudnn_too_old", "max_device=890", kUnchanged, "up to 8.9, this one has 9.0", 0},
      {"DriverTooOldForCuda12", "driver_too_old", "version=11040,driver=470.82,cudnnGetCudartVersion=12090",
       [](GpuMachine& m) { m.add_copy("/usr/local/cuda/lib64/libcublasLt.so.12", kFakeDriver); }, "525.60 or newer", 1,
       [](ModuleReport& report) {
         probe::set_text(report.path, kCuda12);
         module_with(report, "driver_too_old", "this backend needs CUDA 12.0");
       }},
      {"TooOldForEveryModule", "arch_unsupported", "capability=61,version=12020,cudnnGetCudartVersion=12090",
       [](GpuMachine& m) { m.add_copy("/usr/local/cuda/lib64/libcublasLt.so.12", kFakeDriver); },
       "Below 7.5 no module helps", 1,
       [](ModuleReport& report) {
         probe::set_text(report.path, kCuda12);
         module_with(report, "arch_unsupported", "7.5 is the least that is supported");
       }},
      {"CudnnForCuda12", "cudnn_other_cuda", "cudnnGetCudartVersion=12090", kUnchanged, "built with CUDA 12.9", 0},
      {"ModuleMissing", "module_missing", "", kUnchanged, "KERATIN_CUDA=ON", 1, no_module},
      {"ModuleOfAnotherBuild", "module_mismatch", "", kUnchanged, "interface 0123", 1,
       [](ModuleReport& report) { module_with(report, "module_mismatch", "interface 0123"); }},
      {"ModuleBroken", "module_broken", "", kUnchanged, "cut off", 1,
       [](ModuleReport& report) { module_with(report, "module_broken", "the file is cut off"); }},
      {"ModuleCrashes", "module_broken", "", kUnchanged, "ended by signal 6", 1, [](ModuleReport&) { std::abort(); }},
      {"WrongResults", "compute_failed", "", kUnchanged, "matmul differs", 1,
       [](ModuleReport& report) { module_with(report, "compute_failed", "matmul differs by 0.5"); }},
      {"CrashWhileComputing", "compute_failed", "", kUnchanged, "conv2d ended by signal 6", 1,
       [](ModuleReport& report) {
         healthy_module(report);
         probe::set_text(report.stage, "conv2d");
         std::abort();
       }},
  };
  return table;
}

class CauseTest : public ::testing::TestWithParam<CauseCase> {
 protected:
  void SetUp() override {
    if (!have_modules()) GTEST_SKIP() << "a static build has no modules";
  }
};

TEST_P(CauseTest, IsToldApart) {
  const CauseCase& c = GetParam();
  GpuMachine machine;
  c.change(machine);
  const Diagnosis found = diagnose(machine, c.script, c.module);
  EXPECT_EQ(found.cause(), c.cause) << told(found);
  EXPECT_EQ(found.exit_status(), c.exit_status) << told(found);
  if (!found.findings.empty()) {
    const std::string text = found.findings.front().text() + "\n" + found.fix();
    EXPECT_NE(text.find(c.part), std::string::npos) << "'" << c.part << "' is not in '" << text << "'";
    EXPECT_FALSE(found.fix().empty());
  }
  EXPECT_FALSE(found.checks.empty());
}

INSTANTIATE_TEST_SUITE_P(Causes, CauseTest, ::testing::ValuesIn(cases()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(CauseTable, EveryCauseHasACase) {
  std::set<std::string> covered;
  for (const CauseCase& c : cases()) covered.insert(c.cause);
  for (const probe::Cause& cause : probe::causes()) EXPECT_TRUE(covered.contains(cause.id)) << cause.id;
}

class DiagnosisTest : public CauseTest {};

TEST_F(DiagnosisTest, AHangingDriverIsGivenUp) {
  GpuMachine machine;
  const Diagnosis found = diagnose(machine, "cuInit=hang", healthy_module, 0.2);
  EXPECT_EQ(found.cause(), "driver_crashed") << told(found);
  EXPECT_NE(found.findings.front().text().find("did not answer"), std::string::npos);
}

// Each in a process of its own, so the others' answers stay. The module is given four times as long.
TEST_F(DiagnosisTest, WhateverHangsIsGivenUp) {
  const auto hanging_module = [](ModuleReport& report) {
    healthy_module(report);
    probe::set_text(report.stage, "matrix product");
    for (;;) pause();
  };
  const struct {
    const char *script, *cause, *text;
    bool blocks;
    std::function<void(ModuleReport&)> module = healthy_module;
  } cases[] = {
      {"cudnnGetVersion=hang", "cudnn_broken", "cudnnGetVersion did not answer", false},
      {"cudnnOpsVersionCheck=hang", "cudnn_broken", "cudnnOpsVersionCheck did not answer", false},
      {"cublasLtGetVersion=hang", "cublas_broken", "libcublasLt.so.13 did not answer", true},
      {"", "compute_failed", "matrix product did not answer", true, hanging_module},
  };
  for (const auto& c : cases) {
    GpuMachine machine;
    const Diagnosis found = diagnose(machine, c.script, c.module, 1.0);
    // A busy machine may be too slow for others, too: only this one is looked for.
    const auto finding = std::find_if(found.findings.begin(), found.findings.end(),
                                      [&](const probe::Finding& f) { return f.cause == c.cause; });
    ASSERT_NE(finding, found.findings.end()) << c.cause << "\n" << told(found);
    EXPECT_NE(finding->text().find(c.text), std::string::npos) << told(found);
    EXPECT_EQ(finding->blocks, c.blocks) << told(found);
  }
}

// Modules for CUDA 13 and 12, and a driver that serves the older one: the GPU works.
TEST_F(DiagnosisTest, TheModuleThatTheDriverServesIsJudged) {
  GpuMachine machine;
  const std::string cublas = "/usr/local/cuda/lib64/libcublasLt.so.12";
  machine.add_copy(cublas, kFakeDriver);
  const std::string script = "version=12020,driver=535.183,cudnnGetCudartVersion=12090";
  const auto cuda12 = [](ModuleReport& report) {
    probe::set_text(report.path, kCuda12);
    report.devices = 1;
  };
  const Diagnosis works = diagnose(machine, script, cuda12, 20, {kCuda13, kCuda12});
  EXPECT_EQ(works.cause(), "none") << told(works);
  EXPECT_EQ(works.exit_status(), 0);
  for (const char* part : {"cuBLASLt: 13.1.0, ", "libcublasLt.so.12 (", "libkeratin_cuda12.so, for CUDA 12",
                           "libkeratin_cuda13.so: it needs CUDA 13.0, the driver offers 12.2"}) {
    EXPECT_NE(told(works).find(part), std::string::npos) << "'" << part << "' is not in\n" << told(works);
  }
  // The module ends its process before it can say which it is: the driver's version tells.
  const Diagnosis crashes = diagnose(machine, script, [](ModuleReport&) { std::abort(); }, 20, {kCuda13, kCuda12});
  EXPECT_EQ(crashes.cause(), "module_broken") << told(crashes);
  EXPECT_NE(told(crashes).find("libcublasLt.so.12 ("), std::string::npos) << told(crashes);
}

TEST_F(DiagnosisTest, ASecondGpuThatWorksIsEnough) {
  GpuMachine machine;
  const Diagnosis found = diagnose(machine, "count=2,nvml_count=2,cuDevicePrimaryCtxRetain@0=46");
  EXPECT_EQ(found.cause(), "device_exclusive");
  EXPECT_TRUE(found.usable);
  EXPECT_EQ(found.exit_status(), 0);
}

// What "auto" would take decides: it passes over GPUs that cannot be opened, not over those that compute wrongly.
TEST_F(DiagnosisTest, AModulesFaultBlocksUnlessAutoTakesAGpuThatWorks) {
  for (const bool usable : {false, true}) {
    GpuMachine machine;
    const Diagnosis found = diagnose(machine, "", [&](ModuleReport& report) {
      module_with(report, "device_exclusive", "cuda:0 is in exclusive mode");
      report.devices = 2;
      report.usable = usable;
    });
    EXPECT_EQ(found.cause(), "device_exclusive") << told(found);
    EXPECT_EQ(found.usable, usable);
    EXPECT_EQ(found.exit_status(), usable ? 0 : 1);
  }
}

// The driver finds one of two GPUs exclusive, which would do no harm; the module cannot open the other one either.
TEST_F(DiagnosisTest, ACauseBlocksWhenOneOfItsFindingsDoes) {
  GpuMachine machine;
  const Diagnosis found =
      diagnose(machine, "count=2,nvml_count=2,cuDevicePrimaryCtxRetain@0=46", [](ModuleReport& report) {
        module_with(report, "device_exclusive", "cuda:1 is in exclusive mode, too");
        report.devices = 2;
      });
  EXPECT_EQ(found.findings.size(), 1u) << told(found);
  EXPECT_FALSE(found.usable);
  EXPECT_NE(found.findings.front().text().find("cuda:1"), std::string::npos) << told(found);
}

TEST_F(DiagnosisTest, SeveralCausesAreToldInOrder) {
  GpuMachine machine;
  machine.remove("/usr/local/cuda/lib64");
  const Diagnosis found = diagnose(machine, "version=12080", [](ModuleReport& report) {
    module_with(report, "driver_too_old", "the module says so, too");
  });
  ASSERT_EQ(found.findings.size(), 3u) << told(found);
  EXPECT_EQ(found.findings[0].cause, "driver_too_old");
  EXPECT_EQ(found.findings[1].cause, "cublas_missing");
  EXPECT_EQ(found.findings[2].cause, "cudnn_missing");
}

TEST_F(DiagnosisTest, TheModuleIsNotOpenedWithADriverThatCrashes) {
  GpuMachine machine;
  const Diagnosis found = diagnose(machine, "cuInit=abort", [](ModuleReport&) { FAIL() << "it was opened"; });
  for (const probe::Check& check : found.checks) EXPECT_NE(check.name, "Keratin's module");
}

// cuDNN 9.28 and newer are linked to libcuda.so.1: without a driver they cannot be opened, and are not to blame.
TEST_F(DiagnosisTest, CudnnIsNotBrokenForWantOfADriver) {
  GpuMachine machine;
  const auto open = machine.system.open;
  machine.system.open = [&](const std::string& name, std::string& error) -> void* {
    if (!name.ends_with("libcudnn_engines_runtime_compiled.so.9")) return open(name, error);
    error = "libcuda.so.1: cannot open shared object file: No such file or directory";
    return nullptr;
  };
  EXPECT_EQ(diagnose(machine, "").cause(), "cudnn_broken") << "with a driver it is";
  machine.remove_driver();
  const Diagnosis found = diagnose(machine, "", no_module);
  EXPECT_EQ(found.cause(), "driver_library_missing") << told(found);
  EXPECT_EQ(told(found).find("cudnn_broken"), std::string::npos) << told(found);
  const auto cudnn = std::find_if(found.checks.begin(), found.checks.end(),
                                  [](const probe::Check& check) { return check.name == "cuDNN"; });
  ASSERT_NE(cudnn, found.checks.end());
  EXPECT_EQ(cudnn->result, probe::Check::Result::note);
  EXPECT_NE(cudnn->text.find("opens only where the driver's libcuda.so.1 is"), std::string::npos) << cudnn->text;
}

TEST_F(DiagnosisTest, APartFromAnotherFolderIsMixed) {
  GpuMachine machine;
  const Diagnosis found = diagnose(machine, "");
  ASSERT_EQ(found.cause(), "none") << told(found);
  // A part that came from elsewhere, as when the program itself had loaded one.
  machine.add_copy("/opt/torch/libcudnn_ops.so.9", kFakeDriver);
  const auto open = machine.system.open;
  machine.system.open = [&](const std::string& name, std::string& error) {
    return open(name.ends_with("libcudnn_ops.so.9") ? machine.folder.path("opt/torch/libcudnn_ops.so.9") : name, error);
  };
  const Diagnosis mixed = diagnose(machine, "");
  EXPECT_EQ(mixed.cause(), "cudnn_mixed") << told(mixed);
}

}  // namespace
}  // namespace keratin::testing
