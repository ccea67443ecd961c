// Facts: everything the probe finds out about a machine, before any of it is judged.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "keratin/backends/cuda/probe/causes.h"
#include "keratin/backends/cuda/probe/driver.h"
#include "keratin/backends/cuda/probe/hardware.h"
#include "keratin/backends/cuda/probe/isolated.h"
#include "keratin/backends/cuda/probe/libraries.h"
#include "keratin/backends/cuda/probe/module_file.h"

namespace keratin::probe {

// What opening Keratin's module and computing with it gave. Plain data: it is filled in a child process.
struct ModuleReport {
  char stage[64];
  char path[512];     // of the module that was opened, or tried
  char cause[48];     // "" when all its devices compute rightly
  char reason[1024];  // with `cause`
  int devices;
  bool usable;          // the device that "auto" takes, the first that can be opened, computes rightly
  char computed[1024];  // what was computed on the devices and how well it agreed, one line each
};

struct Facts {
  std::vector<SystemKind> kinds;
  Hardware hardware;
  std::vector<std::pair<std::string, std::string>> environment;  // variables that are set and matter
  DriverReport driver = empty_driver_report();
  NvmlReport nvml = empty_nvml_report();
  Outcome driver_outcome, nvml_outcome;
  bool jit_compiler = true;  // the driver's compiler of GPU code is beside its library
  CudaLibraries libraries;
  CublasReport cublas = empty_cublas_report();
  CudnnReport cudnn = empty_cudnn_report();
  Outcome cublas_outcome, cudnn_outcome;  // `finished` also when there was nothing to ask
  bool module_asked = false;
  ModuleReport module{};
  Outcome module_outcome;
  std::vector<std::string> modules;  // files that are installed, in the order in which they are tried
  ModuleFile judged;                 // the one that libraries and fixes are for
  int needed_cuda = 13000;           // by it

  // The variable's value, or null when it is not set.
  const std::string* variable(const std::string& name) const;
  // cuDNN could not be opened for want of the driver's library, to which 9.28 and newer are linked: says nothing of
  // cuDNN.
  bool cudnn_waits_for_driver() const;
};

struct GatherOptions {
  double seconds = 30;                    // for each child process
  std::vector<std::string> modules = {};  // files, in the order in which they are tried
  // Runs in a child process after the driver has answered; empty: the module is left out.
  std::function<void(ModuleReport&)> ask_module = {};
};

// Asks drivers, module and libraries in child processes: this process stays as it was, whatever they do. Libraries are
// looked for as the module needs them that was opened or, when none could be asked, that the driver would serve.
Facts gather(const System& system, const GatherOptions& options = {});

// Only what this process can tell at once: files, the search for libraries, and the driver, asked here.
Facts gather_here(const System& system, int cuda_major = 13, const std::string& module_path = "");

}  // namespace keratin::probe
