// Asks for the GPU, catches what is missing, prints the fix and goes on with the CPU.
#include <cstdio>

#include <keratin/keratin.h>

int main() {
  using namespace keratin;
  try {
    set_device("cuda");
  } catch (const DeviceError& error) {  // DeviceNotFound, LibraryMissing, VersionMismatch, BackendError, ...
    std::printf("No GPU: %s\n", error.what());
    std::printf("cause: %s\n", error.cause().c_str());  // an id of `keratin doctor`
    std::printf("fix:   %s\n", gpu_unavailable_fix().c_str());
    set_device("cpu");
  }
  const Tensor x({4}, {-1.0f, 0.0f, 1.0f, 2.0f});
  const Tensor y = ops::relu(x);
  std::printf("relu computed on %s: %s\n", y.device().c_str(), y.to_string().c_str());
}
