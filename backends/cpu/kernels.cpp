// The list of all kernels: by calls rather than static objects, which a linker would drop.
#include "keratin/backends/cpu/kernel.h"

namespace keratin::cpu {

const KernelTable& kernel_table() {
  static const KernelTable table = [] {
    KernelTable t;
    register_unary(t);
    register_binary(t);
    register_elementwise(t);
    register_matmul(t);
    register_conv(t);
    register_conv_pool(t);
    register_pool(t);
    register_reduce(t);
    register_shaping(t);
    register_softmax(t);
    register_gather(t);
    register_random(t);
    register_sorting(t);
    register_update(t);
    register_loop(t);
    register_fused_elementwise(t);
    return t;
  }();
  return table;
}

}  // namespace keratin::cpu
