#include "keratin/backends/cuda/probe/hardware.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "keratin/backends/cuda/probe/causes.h"

namespace keratin::probe {
namespace {

NodeState node_state(const System& system, const std::string& path) {
  if (!system.exists(path)) return NodeState::missing;
  return system.may_use(system.in_root(path)) ? NodeState::usable : NodeState::forbidden;
}

std::vector<PciGpu> pci_gpus(const System& system) {
  const std::string bus = "/sys/bus/pci/devices";
  std::vector<PciGpu> gpus;
  for (const std::string& address : system.list(bus)) {
    const std::string folder = bus + "/" + address;
    // 0x03xxxx: a display controller; 0x0302xx is one without a screen.
    if (system.read(folder + "/vendor") != "0x10de" || !system.read(folder + "/class").starts_with("0x03")) continue;
    PciGpu gpu{address, "10de", ""};
    if (const std::string id = system.read(folder + "/device"); id.starts_with("0x")) gpu.device += ":" + id.substr(2);
    std::error_code error;
    const std::filesystem::path driver = std::filesystem::read_symlink(system.in_root(folder + "/driver"), error);
    if (!error) gpu.driver = driver.filename().string();
    gpus.push_back(std::move(gpu));
  }
  return gpus;
}

// "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.82.07  Wed ..." -> "580.82.07"
std::string version_in(const std::string& text) {
  const std::string line = text.substr(0, text.find('\n'));
  for (const std::string& word : split_list(line, ' ')) {
    const bool number =
        std::all_of(word.begin(), word.end(), [](unsigned char c) { return std::isdigit(c) != 0 || c == '.'; });
    if (number && word.find('.') != std::string::npos) return word;
  }
  return "";
}

}  // namespace

Hardware look_at_hardware(const System& system) {
  Hardware hardware;
  hardware.gpus = pci_gpus(system);
  hardware.kernel_module = system.exists("/proc/driver/nvidia/version");
  hardware.kernel_driver = version_in(system.read("/proc/driver/nvidia/version"));
  for (const SystemKind kind : system_kinds(system)) {
    hardware.container = hardware.container || kind == SystemKind::docker;
    hardware.wsl = hardware.wsl || kind == SystemKind::wsl;
  }
  hardware.wsl_gpu = system.exists("/dev/dxg");
  hardware.control = node_state(system, "/dev/nvidiactl");
  hardware.uvm = node_state(system, "/dev/nvidia-uvm");
  for (const std::string& name : system.list("/dev")) {
    // nvidia0, nvidia1, ..., but not nvidiactl or nvidia-uvm. A container may have any one of them.
    if (!name.starts_with("nvidia") || name.size() <= 6 || !std::isdigit(static_cast<unsigned char>(name[6]))) continue;
    hardware.first = std::max(hardware.first, node_state(system, "/dev/" + name));
  }
  return hardware;
}

}  // namespace keratin::probe
