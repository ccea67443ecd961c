// The list of all kernels: by calls rather than static objects, which a linker would drop.
#include "keratin/backends/cuda/kernel.h"

#include <vector>

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
    register_recurrent(t);
    register_sorting(t);
    register_update(t);
    register_loop(t);
    register_fused_elementwise(t);
    return t;
  }();
  return table;
}

KernelPtr prepare_step(const Plan& plan, const Step& step, const CompileOptions& options, Context& context,
                       i64 alignment, bool only_asking) {
  const StepSpecs specs(plan, step);
  return kernel_table().prepare({{step.op, step.attrs, specs.in, specs.out}, options, context, only_asking, alignment});
}

}  // namespace keratin::cuda
