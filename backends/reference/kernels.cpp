#include "keratin/backends/reference/kernels.h"

namespace keratin::reference {

const KernelTable& kernels() {
  static const KernelTable table = [] {
    KernelTable result;
    add_elementwise(result);
    add_matmul(result);
    add_conv(result);
    add_pool(result);
    add_reduce(result);
    add_shaping(result);
    add_gather(result);
    add_random(result);
    add_sorting(result);
    return result;
  }();
  return table;
}

}  // namespace keratin::reference
