// Dropout: random zeros during training (keras.layers.Dropout).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "keratin/core/model/layer.h"

namespace keratin {

struct DropoutOptions {
  Shape noise_shape = {};                  // of the zeros drawn, broadcast over x; -1: x's size. Empty: x's shape
  std::optional<std::uint64_t> seed = {};  // by default the model's seed counts
  std::string name = {};
  bool trainable = true;
};

// During training each number is 0 with probability `rate` and divided by 1 - rate otherwise; else y = x.
// noise_shape {-1, 1, 1, -1} drops whole channels of images.
// x: any shape -> y: the same. The random numbers depend on the seed, the layer's place in the model and the step only.
class Dropout : public Layer {
 public:
  // Throws InvalidArgument unless 0 <= rate <= 1, and when called with an input that noise_shape does not fit.
  explicit Dropout(double rate, const DropoutOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
