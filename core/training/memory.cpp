#include "keratin/core/training/memory.h"

#include <cstdio>

namespace keratin {

std::string format_bytes(std::int64_t bytes) {
  const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  int unit = 0;
  while (value >= 1024 && unit < 4) {
    value /= 1024;
    ++unit;
  }
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.2f %s", value, units[unit]);
  return text;
}

std::string MemoryReport::to_string() const {
  return "weights " + format_bytes(weights) + ", gradients " + format_bytes(gradients) + ", optimizer " +
         format_bytes(optimizer) + ", activations " + format_bytes(activations) + ", workspace " +
         format_bytes(workspace) + ", feed " + format_bytes(feed) + ": " + format_bytes(total());
}

}  // namespace keratin
