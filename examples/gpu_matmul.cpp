// A matrix product on a device chosen by name, and where it ran.
//   gpu_matmul [cpu | cuda | cuda:1]     (the CPU unless told)
#include <cstdio>

#include <keratin/keratin.h>

int main(int argc, char** argv) {
  using namespace keratin;
  const std::string device = argc > 1 ? argv[1] : "cpu";
  set_log_device_placement(true);  // each step: op, layer, device, kernel and algorithm
  try {
    const Tensor a = Tensor::full({1000, 1000}, 0.5), b = Tensor::full({1000, 1000}, 2.0);
    const DeviceScope scope(device);  // for this thread, until the end of the block
    const Tensor c = ops::matmul(a, b);
    std::printf("c[0][0] = %g, computed on %s\n", c.at({0, 0}), c.device().c_str());
  } catch (const Error& error) {  // no such device or name, a GPU that another program has, too little memory, ...
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
