// MemoryReport: where the bytes of a model go.
#pragma once

#include <cstdint>
#include <string>

namespace keratin {

struct MemoryReport {
  std::int64_t weights = 0;      // the model's variables
  std::int64_t optimizer = 0;    // slots and counters of the optimizer, metric sums
  std::int64_t gradients = 0;    // of the trained variables, at their largest
  std::int64_t activations = 0;  // the rest of the scratch region
  std::int64_t workspace = 0;    // what kernels ask for
  std::int64_t feed = 0;         // inputs, outputs and constants of the plan
  std::int64_t total() const { return weights + optimizer + gradients + activations + workspace + feed; }
  std::string to_string() const;
};

// "1.72 MiB"
std::string format_bytes(std::int64_t bytes);

}  // namespace keratin
