#include "keratin/backends/cuda/probe/causes.h"

namespace keratin::probe {
namespace {

constexpr const char* kInstallDriver =
    "Install NVIDIA's driver, version 580 or newer, from https://www.nvidia.com/drivers, and restart.";
// Debian's own driver is older than what CUDA 13 needs.
constexpr const char* kInstallDriverDebian =
    "Add NVIDIA's repository (https://developer.nvidia.com/cuda-downloads), then sudo apt install nvidia-open, and "
    "restart.";
constexpr const char* kWheels = "pip install nvidia-cudnn-cu{cuda} {cublas wheel}";
constexpr const char* kWheelsAnywhere = "In a virtual environment: pip install nvidia-cudnn-cu{cuda} {cublas wheel}.";
constexpr const char* kCondaCudnn = "conda install -c conda-forge \"cuda-version={cuda}\" cudnn";
constexpr const char* kReinstallKeratin =
    "Build and install libkeratin and its modules together, with the CUDA toolkit present: cmake -DKERATIN_CUDA=ON ... "
    "&& cmake --install build.";

// What is called differently for each CUDA major version; the texts have these words in braces.
struct Words {
  int cuda;
  struct {
    const char *word, *means;
  } words[8];
};
// CUDA 13's wheel of cuBLAS has no suffix.
constexpr Words kWords[] = {
    {13,
     {{"{cuda}", "13"},
      {"{other cuda}", "12"},
      {"{driver}", "580"},
      {"{Windows driver}", "580"},
      {"{or an older module}",
       ", or install the module for CUDA 12 (libkeratin_cuda12.so), which works with driver 525.60 and newer"},
      {"{cublas wheel}", "nvidia-cublas"},
      {"{cublas package}", "libcublas-13-0"},
      {"{image}", "nvidia/cuda:13.0.1-cudnn-runtime-ubuntu24.04"}}},
    {12,
     {{"{cuda}", "12"},
      {"{other cuda}", "13"},
      {"{driver}", "525.60"},
      {"{Windows driver}", "527.41"},
      {"{or an older module}", ""},
      {"{cublas wheel}", "nvidia-cublas-cu12"},
      {"{cublas package}", "libcublas-12-9"},
      {"{image}", "nvidia/cuda:12.9.1-cudnn-runtime-ubuntu24.04"}}},
};

void replace_all(std::string& text, std::string_view word, std::string_view means) {
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + means.size())) {
    text.replace(at, word.size(), means);
  }
}

// What cmake takes: 90, or "80;90", in quotes for the shell.
std::string architectures(const std::set<int>& capabilities) {
  if (capabilities.empty()) return "<compute capability without the dot>";
  std::string list;
  for (const int capability : capabilities) list += (list.empty() ? "" : ";") + std::to_string(capability);
  return capabilities.size() == 1 ? list : '"' + list + '"';
}

// The text for this CUDA major version; for one that has no words here, the newest's.
std::string in_words_of(int cuda_major, std::string text, const KnownWords& known = {}) {
  const Words* chosen = &kWords[0];
  for (const Words& words : kWords) {
    if (words.cuda == cuda_major) chosen = &words;
  }
  for (const auto& [word, means] : chosen->words) replace_all(text, word, means);
  const std::string& driver = known.kernel_driver;
  replace_all(text, "{kernel driver}",
              driver.empty() ? "the version in /proc/driver/nvidia/version" : "version " + driver);
  replace_all(text, "{driver branch}",
              driver.empty() ? "<major version of the driver>" : driver.substr(0, driver.find('.')));
  replace_all(text, "{architectures}", architectures(known.capabilities));
  return text;
}

// The order is that of the search: what must be put right first comes first.
const Cause kCauses[] = {
    {.id = "no_nvidia_hardware",
     .sentence = "This machine has no NVIDIA GPU.",
     .seen_by = "no NVIDIA display device on the PCI bus, no /dev/nvidia*, no /dev/dxg, no libcuda.so.1",
     .fix = "Nothing needs to be done: the CPU is used.",
     .docker = "Nothing needs to be done: the CPU is used. If the host has a GPU, start the container with --gpus all.",
     .wsl = "Nothing needs to be done: the CPU is used. If Windows has a GPU, use WSL 2 and run: wsl --update."},
    {.id = "no_driver",
     .sentence = "There is an NVIDIA GPU, but no NVIDIA driver is installed.",
     .seen_by = "an NVIDIA device on the PCI bus, but neither /proc/driver/nvidia/version nor libcuda.so.1",
     .fix = kInstallDriver,
     .docker = "Install the driver on the host, not in the container, and start the container with --gpus all.",
     .debian = kInstallDriverDebian,
     .ubuntu = "sudo ubuntu-drivers install nvidia:580, and restart."},
    {.id = "nouveau_driver",
     .sentence = "The GPU is held by the nouveau driver, which cannot run CUDA.",
     .seen_by = "the PCI device's driver is nouveau, and NVIDIA's is not loaded",
     .fix = "Install NVIDIA's driver, version 580 or newer, blacklist nouveau and restart; with secure boot, enrol the "
            "driver's signing key.",
     .debian = "Add NVIDIA's repository (https://developer.nvidia.com/cuda-downloads), then sudo apt install "
               "nvidia-open, which keeps nouveau away; restart. With secure boot, before that: sudo mokutil --import "
               "/var/lib/dkms/mok.pub, and enrol this key when the machine asks for it.",
     .ubuntu = "sudo ubuntu-drivers install nvidia:580, which keeps nouveau away; restart, and with secure boot enrol "
               "the key that the installation offers."},
    {.id = "container_without_gpu",
     .sentence = "This container was started without access to the GPU.",
     .seen_by = "inside a container, a GPU or its kernel driver is there, but no /dev/nvidiactl",
     .fix = "Start the container with the GPU: docker run --gpus all ... (the host needs nvidia-container-toolkit); in "
            "Kubernetes ask for the resource nvidia.com/gpu."},
    {.id = "driver_library_missing",
     .sentence = "The kernel has NVIDIA's driver, but its library libcuda.so.1 cannot be loaded.",
     .seen_by = "/proc/driver/nvidia/version is there, libcuda.so.1 is not found or cannot be opened",
     .fix = "Install the driver's user-space part (libcuda.so.1), of {kernel driver}.",
     .docker = "Start the container with --gpus all and NVIDIA_DRIVER_CAPABILITIES=compute,utility; the library comes "
               "from the host.",
     .debian = "sudo apt install libcuda1, of {kernel driver}.",
     .ubuntu = "sudo apt install libnvidia-compute-{driver branch}, of {kernel driver}; with a server driver "
               "libnvidia-compute-{driver branch}-server, from NVIDIA's repository since 590 libnvidia-compute."},
    {.id = "wsl_driver",
     .sentence = "WSL sees no CUDA driver from Windows.",
     .seen_by = "a Microsoft kernel, and libcuda.so.1 is not found or is not the one in /usr/lib/wsl/lib",
     .fix =
         "Update NVIDIA's driver in Windows (580 or newer) and run wsl --update; never install a Linux driver inside "
         "WSL; add /usr/lib/wsl/lib to LD_LIBRARY_PATH if it is not searched."},
    {.id = "stub_driver",
     .sentence = "A stub of libcuda.so.1 was loaded instead of the driver's library.",
     .seen_by = "cuInit gives 34, or the library lies in a folder named stubs",
     .fix = "Take the folder with \"stubs\" out of LD_LIBRARY_PATH; stubs are only for linking."},
    {.id = "compat_unsupported",
     .sentence = "The CUDA compatibility package does not work with this GPU or driver.",
     .seen_by = "cuInit gives 804, often with libcuda.so.1 from a folder named compat",
     .fix = "Take the folder with \"compat\" out of LD_LIBRARY_PATH (or remove cuda-compat), or update the driver.",
     .docker = "Update the driver on the host, or use an image for an older CUDA: this image's compatibility package "
               "needs a data-centre GPU."},
    {.id = "driver_mismatch",
     .sentence = "The driver's library and its kernel module are of different versions.",
     .seen_by = "cuInit gives 803, or NVML gives 18",
     .fix = "Restart the machine: the driver was updated while its old kernel module was loaded (or reload the nvidia "
            "modules).",
     .docker = "Restart the host, then the container: the host's driver was updated while it was in use."},
    {.id = "device_nodes_missing",
     .sentence = "The driver is loaded, but its device files are missing.",
     .seen_by = "/proc/driver/nvidia/version is there, but /dev/nvidiactl, /dev/nvidia0 or /dev/nvidia-uvm is not",
     .fix =
         "sudo nvidia-smi, which makes /dev/nvidiactl and /dev/nvidia0, and sudo nvidia-modprobe -u -c0, which makes "
         "/dev/nvidia-uvm.",
     .docker = "Start the container with --gpus all, so that the device files are passed on."},
    {.id = "device_nodes_permission",
     .sentence = "This user may not open the GPU's device files.",
     .seen_by = "opening /dev/nvidiactl, /dev/nvidia0 or /dev/nvidia-uvm is not permitted",
     .fix =
         "Give this user the group of the files (ls -l /dev/nvidia*), often: sudo usermod -aG video $USER, then log in "
         "again.",
     .docker = "Start the container with --gpus all; with --user, add the group of /dev/nvidiactl by --group-add."},
    {.id = "driver_too_old",
     .sentence = "The NVIDIA driver is too old.",
     .seen_by = "cuDriverGetVersion is below the CUDA version of every module that is installed (13.0, 12.0)",
     .fix = "Update NVIDIA's driver to {driver} or newer{or an older module}.",
     .docker =
         "Update the driver on the host to {driver} or newer; containers use the host's (but for data-centre GPUs "
         "in images with cuda-compat).",
     .wsl = "Update NVIDIA's driver in Windows to {Windows driver} or newer.",
     .debian = "Update the driver to {driver} or newer: add NVIDIA's repository "
               "(https://developer.nvidia.com/cuda-downloads), then sudo apt install nvidia-open, and restart.",
     .ubuntu = "Update the driver to {driver} or newer (sudo ubuntu-drivers install nvidia:580), then restart."},
    {.id = "devices_hidden",
     .sentence = "CUDA_VISIBLE_DEVICES hides every GPU.",
     .seen_by = "CUDA has no device, a GPU is there, and CUDA_VISIBLE_DEVICES is empty or begins with -1, or with a "
                "number or an id that NVML does not have; or NVIDIA_VISIBLE_DEVICES is empty, void or none",
     .fix = "unset CUDA_VISIBLE_DEVICES, or set it to numbers that exist, e.g. CUDA_VISIBLE_DEVICES=0.",
     .docker = "Start the container without NVIDIA_VISIBLE_DEVICES=void or none, and unset CUDA_VISIBLE_DEVICES."},
    {.id = "mig_without_instance",
     .sentence = "The GPU is in MIG mode and has no instance that this process may use.",
     .seen_by = "NVML says MIG is on, and CUDA has no device",
     .fix = "Create an instance (sudo nvidia-smi mig -cgi 0 -C), or set CUDA_VISIBLE_DEVICES to the id of one "
            "(nvidia-smi -L)."},
    {.id = "fabric_manager",
     .sentence = "The GPU waits for NVIDIA's fabric manager.",
     .seen_by = "cuInit gives 802",
     .fix = "sudo systemctl start nvidia-fabricmanager, of the driver's version (machines with NVSwitch need it)."},
    {.id = "mps_trouble",
     .sentence = "CUDA's multi-process service (MPS) does not answer.",
     .seen_by = "cuInit or opening the device gives 805 to 810",
     .fix = "Restart it (echo quit | nvidia-cuda-mps-control; nvidia-cuda-mps-control -d), or unset "
            "CUDA_MPS_PIPE_DIRECTORY."},
    {.id = "device_lost",
     .sentence = "The GPU does not answer or has a hardware fault.",
     .seen_by = "CUDA gives 214, 220 or 226, NVML gives 15 or counts uncorrected memory errors, or pages or rows of "
                "damaged memory wait to be taken out of use, or could not be",
     .fix = "Look at dmesg for lines with NVRM and Xid, reset the GPU (sudo nvidia-smi --gpu-reset) or restart; if it "
            "returns, the card is faulty."},
    {.id = "device_exclusive",
     .sentence = "The GPU is in exclusive mode and another process has it, or it is closed for computing.",
     .seen_by = "the compute mode is 2 (prohibited) or 3 (exclusive), or opening the device gives 46",
     .fix = "End the other process (nvidia-smi shows it), or set the default mode: sudo nvidia-smi -c 0."},
    {.id = "arch_unsupported",
     .sentence = "The module has no code for this GPU.",
     .seen_by = "the compute capability is below 7.5, the least that Keratin supports, or not among those the module "
                "was built for; or a launch gives 209",
     .fix = "Compute capability 7.5 and newer: build Keratin for this GPU, cmake "
            "-DCMAKE_CUDA_ARCHITECTURES={architectures}. Below 7.5 no module helps: the CPU is used."},
    {.id = "jit_missing",
     .sentence = "The driver's compiler for GPU code is missing or too old.",
     .seen_by = "CUDA gives 221 or 222, or libnvidia-ptxjitcompiler.so.1 is not there",
     .fix = "Install the driver's complete user-space part (libnvidia-ptxjitcompiler.so.1), or a newer driver.",
     .docker = "Start the container with NVIDIA_DRIVER_CAPABILITIES=compute,utility, and update the host's driver.",
     .debian = "sudo apt install libnvidia-ptxjitcompiler1, of {kernel driver}.",
     .ubuntu = "sudo apt install libnvidia-compute-{driver branch}, of {kernel driver}; with a server driver "
               "libnvidia-compute-{driver branch}-server, from NVIDIA's repository since 590 libnvidia-compute."},
    {.id = "memory_held",
     .sentence = "Other processes hold nearly all of the GPU's memory.",
     .seen_by = "less than 512 MiB are free; NVML lists the processes (in a container they may be invisible)",
     .fix = "End those processes (nvidia-smi shows them), or choose another GPU with CUDA_VISIBLE_DEVICES."},
    {.id = "no_usable_device",
     .sentence = "CUDA finds no device it can use.",
     .seen_by = "cuInit gives 100, 3, 101, 999 or another error that none of the other causes explains",
     .fix = "Look at nvidia-smi and at dmesg for lines with NVRM; restart the machine if the driver was updated or the "
            "machine was asleep.",
     .docker = "Start the container anew with --gpus all; if nvidia-smi fails on the host too, restart the host."},
    {.id = "driver_crashed",
     .sentence = "The driver's library ended or hung the process that asked it.",
     .seen_by = "the probing process died of a signal or did not answer in time",
     .fix = "Restart the machine; if it stays, install the driver anew and look at dmesg for lines with NVRM."},
    {.id = "module_missing",
     .sentence = "Keratin's CUDA module is not installed, or this is a build without CUDA.",
     .seen_by = "no libkeratin_cuda13.so or libkeratin_cuda12.so beside libkeratin or in KERATIN_BACKEND_PATH",
     .fix = kReinstallKeratin},
    {.id = "module_mismatch",
     .sentence = "Keratin's CUDA module belongs to another build of Keratin.",
     .seen_by = "the module's fingerprint differs from libkeratin's",
     .fix = kReinstallKeratin},
    {.id = "module_broken",
     .sentence = "Keratin's CUDA module cannot be loaded.",
     .seen_by = "the file is cut off, is no module, lacks symbols, or fails when it starts",
     .fix = kReinstallKeratin},
    {.id = "cublas_missing",
     .sentence = "cuBLASLt was not found; the GPU cannot be used without it.",
     .seen_by = "libcublasLt.so.13 (CUDA 12's module: libcublasLt.so.12) is in none of the folders looked at",
     .fix = "In a virtual environment pip install {cublas wheel}, or install the CUDA {cuda} toolkit's libraries, or "
            "name their folder in "
            "KERATIN_CUDA_PATH.",
     .docker = "Use an image with CUDA's runtime libraries, e.g. {image}.",
     .conda = "conda install -c conda-forge libcublas={cuda}",
     .pip = "pip install {cublas wheel}",
     .debian = "In a virtual environment pip install {cublas wheel}; or from NVIDIA's repository, where it has it for "
               "this release: sudo apt install {cublas package} or a newer one."},
    {.id = "cublas_broken",
     .sentence = "cuBLASLt is damaged; the GPU cannot be used without it.",
     .seen_by = "libcublasLt.so.13 (CUDA 12's module: libcublasLt.so.12) is cut off, is something else, cannot be "
                "opened, or asking it for its version ends the process",
     .fix = "Install cuBLAS anew: pip install --force-reinstall {cublas wheel}.",
     .docker = "Use a fresh image with CUDA's runtime libraries, e.g. {image}.",
     .conda = "conda install -c conda-forge --force-reinstall libcublas={cuda}",
     .pip = "pip install --force-reinstall {cublas wheel}",
     .debian = "sudo apt install --reinstall {cublas package}, or pip install --force-reinstall {cublas wheel}."},
    {.id = "library_wrong_major",
     .sentence = "Only a cuBLASLt or cuDNN of another major version was found.",
     .seen_by = "for instance libcublasLt.so.12 or libcudnn.so.8, where libcublasLt.so.13 or libcudnn.so.9 is needed",
     .fix = kWheelsAnywhere,
     .docker = "Use an image for CUDA {cuda}, e.g. {image}.",
     .conda = "conda install -c conda-forge \"cuda-version={cuda}\" cudnn libcublas",
     .pip = kWheels,
     .debian =
         "In a virtual environment pip install nvidia-cudnn-cu{cuda} {cublas wheel}; or from NVIDIA's repository, "
         "where it has them for this release: sudo apt install {cublas package} cudnn9-cuda-{cuda}."},
    {.id = "cudnn_missing",
     .sentence = "cuDNN was not found; the GPU works, with slower convolutions.",
     .seen_by = "libcudnn.so.9 is in none of the folders looked at",
     .fix = "In a virtual environment pip install nvidia-cudnn-cu{cuda}, or name its folder in KERATIN_CUDA_PATH.",
     .docker = "Use an image with cuDNN, e.g. {image}.",
     .conda = kCondaCudnn,
     .pip = "pip install nvidia-cudnn-cu{cuda}",
     .debian =
         "In a virtual environment pip install nvidia-cudnn-cu{cuda}; or from NVIDIA's repository, where it has it "
         "for this release: sudo apt install cudnn9-cuda-{cuda}."},
    {.id = "cudnn_broken",
     .sentence = "cuDNN is incomplete or damaged; the GPU works, with slower convolutions.",
     .seen_by =
         "one of cuDNN's parts (libcudnn_graph, _ops, _cnn, ...) is missing beside it or cannot be opened (with a "
         "driver: 9.28 needs its libcuda.so.1), or asking it for its version ends the process",
     .fix = "Install cuDNN anew: pip install --force-reinstall nvidia-cudnn-cu{cuda}.",
     .docker = "Use a fresh image with cuDNN, e.g. {image}.",
     .conda = "conda install -c conda-forge --force-reinstall \"cuda-version={cuda}\" cudnn",
     .pip = "pip install --force-reinstall nvidia-cudnn-cu{cuda}",
     .debian = "sudo apt install --reinstall libcudnn9-cuda-{cuda}, or pip install --force-reinstall "
               "nvidia-cudnn-cu{cuda}."},
    {.id = "cudnn_mixed",
     .sentence = "Parts of different cuDNN installations are mixed.",
     .seen_by = "cuDNN's version checks fail, or its parts were loaded from another folder",
     .fix = "Leave one cuDNN: take the others' folders out of LD_LIBRARY_PATH and KERATIN_CUDA_PATH."},
    {.id = "cudnn_too_old",
     .sentence = "cuDNN is too old.",
     .seen_by = "its version is below 9.8, or cudnnGetMaxDeviceVersion is below this GPU's",
     .fix = "pip install --upgrade nvidia-cudnn-cu{cuda}",
     .conda = "conda install -c conda-forge \"cuda-version={cuda}\" \"cudnn>=9.8\"",
     .debian =
         "sudo apt install --only-upgrade libcudnn9-cuda-{cuda}, or pip install --upgrade nvidia-cudnn-cu{cuda}."},
    {.id = "cudnn_other_cuda",
     .sentence = "cuDNN was built for another CUDA.",
     .seen_by = "cudnnGetCudartVersion tells another major version than the module's",
     .fix = "pip uninstall nvidia-cudnn-cu{other cuda} && pip install --force-reinstall nvidia-cudnn-cu{cuda}",
     .conda = kCondaCudnn,
     .debian = "sudo apt install cudnn9-cuda-{cuda}, or pip install nvidia-cudnn-cu{cuda}."},
    {.id = "compute_failed",
     .sentence = "The GPU was opened, but a small computation on it failed or was wrong.",
     .seen_by = "an element-wise kernel, a matrix product or a convolution differs from the CPU's, or gives an error",
     .fix = "Run keratin doctor --json and report its text; until then: KERATIN_DEVICE=cpu."},
    {.id = "none", .sentence = "The GPU works.", .seen_by = "every check passed", .fix = "Nothing needs to be done."},
};

bool is_container(const System& system) {
  if (system.exists("/.dockerenv") || system.exists("/run/.containerenv")) return true;
  const std::string groups = system.read("/proc/1/cgroup");
  for (const char* hint : {"docker", "kubepods", "containerd", "libpod", "lxc"}) {
    if (groups.find(hint) != std::string::npos) return true;
  }
  return !system.env("KUBERNETES_SERVICE_HOST").empty();
}

}  // namespace

const char* Cause::fix_on(SystemKind kind) const {
  switch (kind) {
    case SystemKind::docker: return docker;
    case SystemKind::wsl: return wsl;
    case SystemKind::conda: return conda;
    case SystemKind::pip: return pip;
    case SystemKind::debian: return debian;
    case SystemKind::ubuntu: return *ubuntu ? ubuntu : debian;
  }
  return "";
}

std::span<const Cause> causes() { return kCauses; }

const Cause* find_cause(std::string_view id) {
  for (const Cause& cause : kCauses) {
    if (cause.id == id) return &cause;
  }
  return nullptr;
}

std::vector<SystemKind> system_kinds(const System& system) {
  std::vector<SystemKind> kinds;
  if (is_container(system)) kinds.push_back(SystemKind::docker);
  const std::string kernel = system.read("/proc/version");
  if (kernel.find("microsoft") != std::string::npos || kernel.find("Microsoft") != std::string::npos) {
    kinds.push_back(SystemKind::wsl);
  }
  if (!system.env("CONDA_PREFIX").empty()) kinds.push_back(SystemKind::conda);
  if (!system.env("VIRTUAL_ENV").empty()) kinds.push_back(SystemKind::pip);
  const std::string release = system.read("/etc/os-release");
  // Ubuntu and its relatives name both.
  if (release.find("ubuntu") != std::string::npos) {
    kinds.push_back(SystemKind::ubuntu);
  } else if (system.exists("/etc/debian_version") || release.find("debian") != std::string::npos) {
    kinds.push_back(SystemKind::debian);
  }
  return kinds;
}

std::string fix_for(std::string_view id, const std::vector<SystemKind>& kinds, int cuda_major,
                    const KnownWords& known) {
  const Cause* cause = find_cause(id);
  if (!cause) return "";
  for (const SystemKind kind : kinds) {
    if (const char* fix = cause->fix_on(kind); *fix) return in_words_of(cuda_major, fix, known);
  }
  return in_words_of(cuda_major, cause->fix, known);
}

std::string_view name_of(SystemKind kind) {
  switch (kind) {
    case SystemKind::docker: return "Docker";
    case SystemKind::wsl: return "WSL";
    case SystemKind::conda: return "conda";
    case SystemKind::pip: return "pip";
    case SystemKind::debian: return "Debian";
    case SystemKind::ubuntu: return "Ubuntu";
  }
  return "";
}

std::string causes_page() {
  std::string page =
      "# Why is my GPU not used?\n"
      "\n"
      "<!-- Written by `keratin doctor --page` from the program's own table; do not edit. -->\n"
      "\n"
      "Run `keratin doctor`: it looks at the driver, the libraries and Keratin's module, and prints one of the causes\n"
      "below with the fix for your system. `keratin doctor --json` gives the same id as `cause`, and so do\n"
      "`DeviceError::cause()` in a program and, in words, `device_reason()`. Several may hold at once: what comes "
      "first\n"
      "here is told first. What differs for the module of CUDA 12 stands in a line of its own. The causes were tested\n"
      "with a scripted driver, and not yet run on a GPU.\n";
  const auto add = [&](std::string_view name, const char* text) {
    const std::string newest = in_words_of(kWords[0].cuda, text);
    page += "- " + std::string(name) + ": " + newest + "\n";
    for (const Words& words : kWords) {
      const std::string other = in_words_of(words.cuda, text);
      if (other == newest) continue;
      page += "- " + std::string(name) + ", CUDA " + std::to_string(words.cuda) + ": " + other + "\n";
    }
  };
  for (const Cause& cause : kCauses) {
    page += "\n## `" + std::string(cause.id) + "`\n\n" + cause.sentence + "\n\n- Seen by: " + cause.seen_by + "\n";
    add("Fix", cause.fix);
    for (const SystemKind kind : {SystemKind::docker, SystemKind::wsl, SystemKind::conda, SystemKind::pip}) {
      if (const char* fix = cause.fix_on(kind); *fix) add(name_of(kind), fix);
    }
    if (*cause.debian) add(*cause.ubuntu ? "Debian" : "Debian, Ubuntu", cause.debian);
    if (*cause.ubuntu) add("Ubuntu", cause.ubuntu);
  }
  return page;
}

}  // namespace keratin::probe
