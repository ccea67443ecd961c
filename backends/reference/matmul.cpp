// C = A·B over the last two axes.
#include "keratin/core/ops/matmul.h"

#include "keratin/backends/reference/kernels.h"
#include "keratin/backends/reference/walk.h"

namespace keratin::reference {
namespace {

void matmul(const std::any& any, Arrays in, Arrays out) {
  const auto& attrs = std::any_cast<const MatMulAttrs&>(any);
  const Array &a = in[0], &b = in[1], &c = out[0];
  const i64 m = c.shape[-2], n = c.shape[-1], k = a.shape[attrs.transpose_a ? -2 : -1];
  const Shape batch = c.shape.slice(0, -2);
  const Walk a_matrix = broadcast_walk(a.shape.slice(0, -2), batch);
  const Walk b_matrix = broadcast_walk(b.shape.slice(0, -2), batch);
  const auto av = a.load_all(), bv = b.load_all();
  for (i64 matrix = 0, count = batch.size(); matrix < count; ++matrix) {
    const i64 a_first = a_matrix(matrix) * m * k, b_first = b_matrix(matrix) * k * n;
    for (i64 i = 0; i < m; ++i) {
      for (i64 j = 0; j < n; ++j) {
        double sum = 0;
        for (i64 p = 0; p < k; ++p) {
          const i64 at_a = a_first + (attrs.transpose_a ? p * m + i : i * k + p);
          const i64 at_b = b_first + (attrs.transpose_b ? j * k + p : p * n + j);
          sum += av[static_cast<std::size_t>(at_a)] * bv[static_cast<std::size_t>(at_b)];
        }
        c.store((matrix * m + i) * n + j, sum);
      }
    }
  }
}

}  // namespace

void add_matmul(KernelTable& table) { table["matmul"] = matmul; }

}  // namespace keratin::reference
