// Permute: the axes of a sample in another order (keras.layers.Permute).
#pragma once

#include <vector>

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"

namespace keratin {

// Axis i of the result is axis dims[i - 1] of the input; axes count from 1, the batch stays first.
// Permute({2, 1}): (n, a, b) -> (n, b, a)
class Permute : public Layer {
 public:
  // Throws InvalidArgument unless dims holds each of 1, 2, ..., dims.size() once.
  explicit Permute(std::vector<int> dims, const LayerOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
