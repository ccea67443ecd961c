// RandomShear: slanted images (keras.layers.RandomShear).
#pragma once

#include <optional>
#include <string>

#include "keratin/core/model/layer.h"
#include "keratin/layers/factor.h"

namespace keratin {

struct RandomShearOptions {
  Factor x_factor = 0.0;                   // how far a row moves for each row it lies further down
  Factor y_factor = 0.0;                   // the same for columns
  std::string interpolation = "bilinear";  // or "nearest"
  std::string fill_mode = "reflect";       // or "wrap", "nearest", "constant"
  double fill_value = 0.0;
  std::optional<std::uint64_t> seed = {};  // by default the model's seed counts
  std::string name = {};
  bool trainable = true;
};

// During training each image is slanted by numbers from the factors' ranges, both with the same random sign; else y =
// x. x: (n, h, w, c) -> y: the same, floating. 0.2 stands for {-0.2, 0.2}.
class RandomShear : public Layer {
 public:
  // Throws InvalidArgument unless the factors lie between 0 and 1, and for an unknown fill_mode or interpolation.
  explicit RandomShear(const RandomShearOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
