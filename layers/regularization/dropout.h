// Dropout: random zeros during training (keras.layers.Dropout).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "keratin/core/model/layer.h"

namespace keratin {

struct DropoutOptions {
  std::string name = {};
  bool trainable = true;
  std::optional<std::uint64_t> seed = {};  // by default the model's seed counts
};

// During training each number is 0 with probability `rate` and divided by 1 - rate otherwise; else y = x.
// x: any shape -> y: the same. The random numbers depend on the seed, the layer's place in the model and the step only.
class Dropout : public Layer {
 public:
  // Throws InvalidArgument unless 0 <= rate < 1.
  explicit Dropout(double rate, const DropoutOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
