// Opens Keratin's CUDA module and computes with it, compared with the CPU. For doctor's child process.
#pragma once

#include "keratin/backends/cuda/probe/facts.h"

namespace keratin::tools {

// Fills the report; what throws ends in a cause.
void check_module(probe::ModuleReport& report);

}  // namespace keratin::tools
