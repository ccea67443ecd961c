// The oldest GPUs that are served, for the modules and for doctor.
#pragma once

namespace keratin::cuda {

// Compute capability 7.5, Turing: of every module, whatever its toolkit could do. CUDA 13 has no code for older GPUs.
inline constexpr int kLeastCapability = 75;

}  // namespace keratin::cuda
