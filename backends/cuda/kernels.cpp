// The list of all kernels: by calls rather than static objects, which a linker would drop.
#include "keratin/backends/cuda/kernel.h"

namespace keratin::cuda {

const KernelTable& kernel_table() {
  static const KernelTable table = [] {
    KernelTable t;
    register_elementwise(t);
    register_matmul(t);
    register_conv(t);
    register_pool(t);
    register_reduce(t);
    register_shaping(t);
    register_softmax(t);
    register_gather(t);
    register_random(t);
    register_sorting(t);
    register_update(t);
    return t;
  }();
  return table;
}

}  // namespace keratin::cuda
