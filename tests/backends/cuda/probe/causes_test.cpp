// The table of causes: complete, the same as in the docs, with fixes for the system, the driver and the module at hand.
#include "keratin/backends/cuda/probe/causes.h"

#include <gtest/gtest.h>

#include <set>

#include "keratin/backends/cuda/probe/diagnosis.h"
#include "keratin/backends/cuda/probe/versions.h"
#include "tests/backends/cuda/probe/gpu_machine.h"

namespace keratin::testing {
namespace {

using probe::SystemKind;

TEST(CauseTable, IdsAreUniqueAndEveryRowIsComplete) {
  std::set<std::string> ids;
  for (const probe::Cause& cause : probe::causes()) {
    EXPECT_TRUE(ids.insert(cause.id).second) << cause.id;
    EXPECT_TRUE(std::string(cause.sentence).ends_with('.')) << cause.id;
    EXPECT_FALSE(std::string(cause.seen_by).empty()) << cause.id;
    EXPECT_FALSE(std::string(cause.fix).empty()) << cause.id;
  }
  EXPECT_EQ(std::string(probe::causes().back().id), "none");
}

// The page a user finds by searching is the table the program has.
TEST(CauseTable, ThePageIsUpToDate) {
  EXPECT_TRUE(read_file(KERATIN_SOURCE_DIR "/docs/why_is_my_gpu_not_used.md") == probe::causes_page())
      << "write it anew: keratin doctor --page > docs/why_is_my_gpu_not_used.md";
}

TEST(CauseTable, TheDocumentationHasTheVersionTable) {
  std::string version = read_file(KERATIN_SOURCE_DIR "/VERSION");
  version.erase(version.find_last_not_of(" \n") + 1);
  const std::string page = read_file(KERATIN_SOURCE_DIR "/docs/gpu.md"), table = probe::version_markdown(version);
  EXPECT_TRUE(page.find(table) != std::string::npos) << "put this into docs/gpu.md:\n" << table;
}

TEST(CauseTable, TheFixIsTheSystemsOwn) {
  EXPECT_EQ(probe::fix_for("cudnn_missing", {SystemKind::pip, SystemKind::debian}, 13),
            "pip install nvidia-cudnn-cu13");
  EXPECT_EQ(probe::fix_for("cudnn_missing", {SystemKind::wsl, SystemKind::conda}, 13),
            "conda install -c conda-forge \"cuda-version=13\" cudnn");
  EXPECT_EQ(probe::fix_for("fabric_manager", {SystemKind::pip}, 12), probe::find_cause("fabric_manager")->fix);
  EXPECT_EQ(probe::fix_for("no such cause", {}, 13), "");
}

// Each is told its own way; where only one is told, it is the same for both.
TEST(CauseTable, DebianAndUbuntuAreToldApart) {
  const struct {
    const char *release, *debian_version;  // files; null: not there
    std::vector<SystemKind> kinds;
  } systems[] = {{"ID=debian\n", "12.2", {SystemKind::debian}},
                 {"ID=ubuntu\nID_LIKE=debian\n", "trixie/sid", {SystemKind::ubuntu}},
                 {"ID=linuxmint\nID_LIKE=\"ubuntu debian\"\n", "trixie/sid", {SystemKind::ubuntu}},
                 {nullptr, "12.2", {SystemKind::debian}},
                 {"ID=fedora\n", nullptr, {}}};
  for (const auto& s : systems) {
    MadeUpSystem machine;
    if (s.release) machine.add_file("/etc/os-release", s.release);
    if (s.debian_version) machine.add_file("/etc/debian_version", s.debian_version);
    EXPECT_EQ(probe::system_kinds(machine.system), s.kinds) << (s.release ? s.release : "no os-release");
  }
  for (const probe::Cause& cause : probe::causes()) {
    const std::string debian = probe::fix_for(cause.id, {SystemKind::debian}, 13),
                      ubuntu = probe::fix_for(cause.id, {SystemKind::ubuntu}, 13);
    if (*cause.ubuntu) {
      EXPECT_EQ(debian.find("Ubuntu"), std::string::npos) << debian;
      EXPECT_NE(ubuntu, debian) << cause.id;
    } else {
      EXPECT_EQ(ubuntu, debian) << cause.id;
    }
  }
}

TEST(CauseTable, TheFixNamesWhatIsKnown) {
  const struct {
    const char* cause;
    std::vector<SystemKind> kinds;
    const char *known, *unknown;
  } cases[] = {
      {"driver_library_missing",
       {},
       "Install the driver's user-space part (libcuda.so.1), of version 580.82.07.",
       "Install the driver's user-space part (libcuda.so.1), of the version in /proc/driver/nvidia/version."},
      {"driver_library_missing",
       {SystemKind::debian},
       "sudo apt install libcuda1, of version 580.82.07.",
       "sudo apt install libcuda1, of the version in /proc/driver/nvidia/version."},
      {"jit_missing",
       {SystemKind::ubuntu},
       "sudo apt install libnvidia-compute-580, of version 580.82.07; with a server driver "
       "libnvidia-compute-580-server, from NVIDIA's repository since 590 libnvidia-compute.",
       "sudo apt install libnvidia-compute-<major version of the driver>, of the version in "
       "/proc/driver/nvidia/version; with a server driver libnvidia-compute-<major version of the driver>-server, from "
       "NVIDIA's repository since 590 libnvidia-compute."},
      {"arch_unsupported",
       {},
       "Compute capability 7.5 and newer: build Keratin for this GPU, cmake -DCMAKE_CUDA_ARCHITECTURES=90. Below 7.5 "
       "no module helps: the CPU is used.",
       "Compute capability 7.5 and newer: build Keratin for this GPU, cmake -DCMAKE_CUDA_ARCHITECTURES=<compute "
       "capability without the dot>. Below 7.5 no module helps: the CPU is used."},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(probe::fix_for(c.cause, c.kinds, 13, {.kernel_driver = "580.82.07", .capabilities = {90}}), c.known);
    EXPECT_EQ(probe::fix_for(c.cause, c.kinds, 13), c.unknown);
  }
}

TEST(CauseTable, TheFixIsForTheModulesCuda) {
  const struct {
    const char* cause;
    std::vector<SystemKind> kinds;
    const char *with_13, *with_12;
  } cases[] = {
      {"cublas_missing", {SystemKind::pip}, "pip install nvidia-cublas", "pip install nvidia-cublas-cu12"},
      {"cublas_missing",
       {SystemKind::conda},
       "conda install -c conda-forge libcublas=13",
       "conda install -c conda-forge libcublas=12"},
      {"cublas_missing",
       {SystemKind::debian},
       "In a virtual environment pip install nvidia-cublas; or from NVIDIA's repository, where it has it for this "
       "release: sudo apt install libcublas-13-0 or a newer one.",
       "In a virtual environment pip install nvidia-cublas-cu12; or from NVIDIA's repository, where it has it for this "
       "release: sudo apt install libcublas-12-9 or a newer one."},
      {"cublas_missing",
       {SystemKind::docker},
       "Use an image with CUDA's runtime libraries, e.g. nvidia/cuda:13.0.1-cudnn-runtime-ubuntu24.04.",
       "Use an image with CUDA's runtime libraries, e.g. nvidia/cuda:12.9.1-cudnn-runtime-ubuntu24.04."},
      {"library_wrong_major",
       {},
       "In a virtual environment: pip install nvidia-cudnn-cu13 nvidia-cublas.",
       "In a virtual environment: pip install nvidia-cudnn-cu12 nvidia-cublas-cu12."},
      {"cudnn_missing", {SystemKind::pip}, "pip install nvidia-cudnn-cu13", "pip install nvidia-cudnn-cu12"},
      {"cublas_broken",
       {SystemKind::pip},
       "pip install --force-reinstall nvidia-cublas",
       "pip install --force-reinstall nvidia-cublas-cu12"},
      {"cublas_broken",
       {SystemKind::debian},
       "sudo apt install --reinstall libcublas-13-0, or pip install --force-reinstall nvidia-cublas.",
       "sudo apt install --reinstall libcublas-12-9, or pip install --force-reinstall nvidia-cublas-cu12."},
      {"cudnn_broken",
       {SystemKind::debian},
       "sudo apt install --reinstall libcudnn9-cuda-13, or pip install --force-reinstall nvidia-cudnn-cu13.",
       "sudo apt install --reinstall libcudnn9-cuda-12, or pip install --force-reinstall nvidia-cudnn-cu12."},
      {"cudnn_too_old",
       {SystemKind::pip},
       "pip install --upgrade nvidia-cudnn-cu13",
       "pip install --upgrade nvidia-cudnn-cu12"},
      {"cudnn_other_cuda",
       {SystemKind::pip},
       "pip uninstall nvidia-cudnn-cu12 && pip install --force-reinstall nvidia-cudnn-cu13",
       "pip uninstall nvidia-cudnn-cu13 && pip install --force-reinstall nvidia-cudnn-cu12"},
      {"driver_too_old",
       {},
       "Update NVIDIA's driver to 580 or newer, or install the module for CUDA 12 (libkeratin_cuda12.so), which works "
       "with driver 525.60 and newer.",
       "Update NVIDIA's driver to 525.60 or newer."},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(probe::fix_for(c.cause, c.kinds, 13), c.with_13) << c.cause;
    EXPECT_EQ(probe::fix_for(c.cause, c.kinds, 12), c.with_12) << c.cause;
  }
}

TEST(CauseTable, NoFixNamesTheOtherCudasPackages) {
  const struct {
    int cuda;
    std::vector<const char*> foreign;
  } cases[] = {{13,
                {"install nvidia-cudnn-cu12", "reinstall nvidia-cudnn-cu12", "cublas-cu12", "12-9", "cuda-12",
                 "cuda:12", "version=12", "libcublas=12", ".so.12", "{", "}"}},
               {12,
                {"install nvidia-cudnn-cu13", "reinstall nvidia-cudnn-cu13", "nvidia-cublas.", "nvidia-cublas,", "13-0",
                 "cuda-13", "cuda:13", "version=13", "libcublas=13", ".so.13", "{", "}"}}};
  for (const auto& c : cases) {
    for (const probe::Cause& cause : probe::causes()) {
      for (const std::vector<SystemKind>& kinds : std::vector<std::vector<SystemKind>>{{},
                                                                                       {SystemKind::docker},
                                                                                       {SystemKind::wsl},
                                                                                       {SystemKind::conda},
                                                                                       {SystemKind::pip},
                                                                                       {SystemKind::debian},
                                                                                       {SystemKind::ubuntu}}) {
        const std::string fix = probe::fix_for(cause.id, kinds, c.cuda);
        for (const char* part : c.foreign) {
          // "uninstall nvidia-cudnn-cu12" is what is asked for.
          const std::size_t at = fix.find(part);
          const bool removed = at != std::string::npos && at >= 2 && fix.compare(at - 2, 2, "un") == 0;
          EXPECT_TRUE(at == std::string::npos || removed) << cause.id << ", CUDA " << c.cuda << ": " << fix;
        }
      }
    }
  }
}

// backends/cuda/module.cpp refuses GPUs below 7.5, whatever the toolkit could compile for.
TEST(CauseTable, NoModuleIsSaidToServeGpusThatItRefuses) {
  for (const probe::VersionRow& row : probe::version_table()) {
    EXPECT_EQ(std::string(row.gpus), "compute capability 8.0 and newer; 7.5 when built for it") << row.module;
  }
}

TEST(ModuleFile, IsTheFirstThatTheDriverServes) {
  const std::string a13 = "/a/libkeratin_cuda13.so", a12 = "/a/libkeratin_cuda12.so", b13 = "/b/libkeratin_cuda13.so";
  const struct {
    std::vector<std::string> files;
    int driver;
    std::string path;
    int cuda_major;
  } cases[] = {{{}, 13000, "", 13},          {{a13, a12}, 13000, a13, 13},
               {{a13, a12}, 12020, a12, 12}, {{a13, b13, a12}, 12000, a12, 12},
               {{a12}, 13010, a12, 12},      {{a12, b13}, 13010, a12, 12},
               {{a13}, 12080, a13, 13},      {{a13, a12}, 11040, a13, 13},
               {{a13, a12}, 0, a13, 13}};
  for (const auto& c : cases) {
    const probe::ModuleFile file = probe::choose_module(c.files, c.driver);
    EXPECT_EQ(file.path, c.path) << "driver " << c.driver;
    EXPECT_EQ(file.cuda_major, c.cuda_major) << "driver " << c.driver;
  }
}

}  // namespace
}  // namespace keratin::testing
