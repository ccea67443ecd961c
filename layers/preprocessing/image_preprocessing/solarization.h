// Solarization: bright parts of images as negatives (keras.layers.Solarization).
#pragma once

#include <array>
#include <optional>
#include <string>

#include "keratin/core/model/layer.h"
#include "keratin/layers/factor.h"

namespace keratin {

struct SolarizationOptions {
  // What is added, and from where on values are turned around, as parts of value_range. 0.5 stands for {0, 0.5}.
  Factor addition_factor = 0.0, threshold_factor = 0.0;
  std::array<double, 2> value_range = {0, 255};
  std::optional<std::uint64_t> seed = {};  // by default the model's seed counts
  std::string name = {};
  bool trainable = true;
};

// During training, on values rescaled to 0 to 255 and for each image: an addition and a threshold are drawn, from lower
// to 255·upper as in Keras; what is then below the threshold stays, the rest becomes 255 minus itself. Else y = x.
// x: (n, h, w, c) -> y: the same, floating.
class Solarization : public Layer {
 public:
  // Throws InvalidArgument unless the factors lie between 0 and 1.
  explicit Solarization(const SolarizationOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
