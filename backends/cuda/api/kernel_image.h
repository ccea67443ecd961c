// Whether the module has code for a device, which the runtime says when it loads a kernel.
#pragma once

namespace keratin::cuda {

// Loads an empty kernel, compiled for the architectures of all the others, on the current device: 0 or a cudaError_t.
// The tests' simulator has its own definition.
int load_empty_kernel();

}  // namespace keratin::cuda
