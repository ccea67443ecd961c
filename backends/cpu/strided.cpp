#include "keratin/backends/cpu/strided.h"

namespace keratin::cpu {

std::optional<OuterLoop> outer_loop(std::span<const StridedAxis> axes) {
  if (axes.size() > kMaxOuterAxes) return std::nullopt;
  OuterLoop loop;
  loop.axes = static_cast<int>(axes.size());
  for (std::size_t a = 0; a < axes.size(); ++a) {
    loop.size[a] = axes[a].size;
    loop.stride[a] = axes[a].stride;
    loop.rows *= axes[a].size;
  }
  return loop;
}

}  // namespace keratin::cpu
