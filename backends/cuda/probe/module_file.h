// Keratin's CUDA modules as files: which CUDA each needs, and which one a driver serves. Opens none.
#pragma once

#include <string>
#include <vector>

namespace keratin::probe {

struct ModuleFile {
  std::string path;     // "" when there is none
  int cuda_major = 13;  // that it needs
};

// By the file's name: libkeratin_cuda12.so needs CUDA 12.
ModuleFile module_file(const std::string& path);

// Of files in the order in which the loader tries them, the first that a driver for this CUDA (12020) serves, as the
// loader does; the first of all when it serves none, or when its version is not known (0).
ModuleFile choose_module(const std::vector<std::string>& files, int driver_version);

}  // namespace keratin::probe
