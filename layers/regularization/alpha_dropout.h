// AlphaDropout: dropout for SELU, which keeps mean and variance (keras.layers.AlphaDropout).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "keratin/core/model/layer.h"

namespace keratin {

struct AlphaDropoutOptions {
  Shape noise_shape = {};                  // as in Dropout
  std::optional<std::uint64_t> seed = {};  // by default the model's seed counts
  std::string name = {};
  bool trainable = true;
};

// During training each number becomes SELU's lower limit with probability `rate`, and all of them are scaled and
// shifted so that inputs of mean 0 and variance 1 stay that; else y = x.   x: any shape -> y: the same.
class AlphaDropout : public Layer {
 public:
  // Throws InvalidArgument unless 0 <= rate < 1, and when called with an input that noise_shape does not fit.
  explicit AlphaDropout(double rate, const AlphaDropoutOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
