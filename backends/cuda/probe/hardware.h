// What files tell of NVIDIA hardware: the PCI bus, the kernel's driver, device files. Opens no library.
#pragma once

#include <string>
#include <vector>

#include "keratin/backends/cuda/probe/system.h"

namespace keratin::probe {

struct PciGpu {
  std::string address;  // "0000:17:00.0"
  std::string device;   // "10de:2335"
  std::string driver;   // "nvidia", "nouveau", "vfio-pci"; "" when none is bound
};

enum class NodeState { missing, forbidden, usable };

struct Hardware {
  std::vector<PciGpu> gpus;
  bool kernel_module = false;  // /proc/driver/nvidia/version is there
  std::string kernel_driver;   // its version, "580.82.07"
  bool wsl = false;            // a Microsoft kernel
  bool wsl_gpu = false;        // with /dev/dxg
  bool container = false;
  NodeState control = NodeState::missing;  // /dev/nvidiactl
  NodeState first = NodeState::missing;    // the first of /dev/nvidia0, /dev/nvidia1, ...
  NodeState uvm = NodeState::missing;      // /dev/nvidia-uvm

  // Whether there is a GPU or any trace of one.
  bool any() const {
    return !gpus.empty() || kernel_module || wsl_gpu || control != NodeState::missing || first != NodeState::missing;
  }
};

Hardware look_at_hardware(const System& system);

}  // namespace keratin::probe
