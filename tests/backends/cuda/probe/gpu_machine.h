// GpuMachine: a made-up system with an H200, its driver and libraries, all healthy; tests break one thing.
#pragma once

#include "keratin/backends/cuda/probe/library_search.h"
#include "tests/backends/cuda/probe/made_up_system.h"
#include "tests/build_paths.h"
#include "tests/support/modules.h"

namespace keratin::testing {

inline const std::string kFakeDriver = KERATIN_BINARY_DIR "/modules/driver/libkeratin_fake_driver.so";

class GpuMachine : public MadeUpSystem {
 public:
  GpuMachine() {
    if (!std::filesystem::exists(kFakeDriver)) return;  // a static build: the tests skip
    add_file("/etc/debian_version", "12.2");
    add_file("/proc/version", "Linux version 6.1.0-13-amd64 (debian-kernel@lists.debian.org)");
    add_gpu("nvidia");
    add_file(
        "/proc/driver/nvidia/version",
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.82.07  Wed Aug 27 17:13:43 UTC 2025\nGCC version: 12");
    for (const char* node : {"nvidiactl", "nvidia0", "nvidia-uvm"}) add_file(std::string("/dev/") + node);
    add_copy("/usr/lib/x86_64-linux-gnu/libcuda.so.1", kFakeDriver);
    add_copy("/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.1", kFakeDriver);
    use_driver("/usr/lib/x86_64-linux-gnu");
    const std::string cuda = "/usr/local/cuda/lib64";
    add_copy(cuda + "/libcublasLt.so.13", kFakeDriver);
    add_copy(cuda + "/libcudnn.so.9", kFakeDriver);
    for (const std::string& part : probe::cudnn_parts()) add_copy(cuda + "/" + part, kFakeDriver);
  }
  void add_gpu(const std::string& driver) {
    const std::string pci = "/sys/bus/pci/devices/0000:17:00.0";
    add_file(pci + "/vendor", "0x10de\n");
    add_file(pci + "/class", "0x030200\n");
    add_file(pci + "/device", "0x2335\n");
    if (!driver.empty()) add_link(pci + "/driver", "../../../bus/pci/drivers/" + driver);
  }
  // The folder that the dynamic linker finds the driver's libraries in.
  void use_driver(const std::string& in) {
    libraries["libcuda.so.1"] = folder.path() + in + "/libcuda.so.1";
    libraries["libnvidia-ml.so.1"] = folder.path() + in + "/libnvidia-ml.so.1";
  }
  void remove(const std::string& path) { std::filesystem::remove_all(folder.path() + path); }
  void remove_driver() {
    libraries.clear();
    remove("/usr/lib/x86_64-linux-gnu");
  }
  void remove_kernel_module() {
    remove("/proc/driver");
    remove("/dev");
    remove("/sys/bus/pci/devices/0000:17:00.0/driver");
  }
};

}  // namespace keratin::testing
