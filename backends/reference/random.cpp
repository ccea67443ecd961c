// Random numbers.
#include "keratin/core/ops/random.h"

#include "keratin/backends/reference/kernels.h"
#include "keratin/core/tensor/philox.h"

namespace keratin::reference {
namespace {

void random_uniform(const std::any& any, Arrays in, Arrays out) {
  const auto& attrs = std::any_cast<const RandomAttrs&>(any);
  const auto step = static_cast<std::uint64_t>(in[0].load_integer(0));
  for (i64 i = 0, n = out[0].size(); i < n; ++i) {
    const PhiloxBlock block = philox_at(attrs.stream, step, static_cast<std::uint64_t>(i / 4));
    out[0].store(i, static_cast<double>(uniform_from_bits(block.x[i % 4])));
  }
}

}  // namespace

void add_random(KernelTable& table) { table["random_uniform"] = random_uniform; }

}  // namespace keratin::reference
