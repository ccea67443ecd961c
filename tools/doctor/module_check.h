// Opens Keratin's CUDA module and computes with it, compared with the CPU. For doctor's child process.
#pragma once

#include <string>

#include "keratin/backends/cuda/probe/facts.h"

namespace keratin::tools {

// Fills the report; what throws ends in a cause.
void check_module(probe::ModuleReport& report);

// The module's file that would be tried first, without opening it.
struct ModuleFile {
  std::string path;     // "" when there is none
  int cuda_major = 13;  // that it needs
};
ModuleFile find_module_file();

}  // namespace keratin::tools
