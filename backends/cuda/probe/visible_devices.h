// What CUDA_VISIBLE_DEVICES leaves of the GPUs: CUDA takes its entries in order and stops at the first that is not
// valid.
#pragma once

#include <string>

#include "keratin/backends/cuda/probe/facts.h"

namespace keratin::probe {

// Why this value hides every GPU of the machine ("there is no GPU 2"); "" when it does not, or when nobody can tell.
std::string why_all_are_hidden(const std::string& value, const Facts& facts);

}  // namespace keratin::probe
