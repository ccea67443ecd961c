// RandomZoom: images nearer and farther (keras.layers.RandomZoom).
#pragma once

#include <optional>
#include <string>

#include "keratin/core/model/layer.h"
#include "keratin/layers/factor.h"

namespace keratin {

struct RandomZoomOptions {
  std::optional<Factor> width_factor = {};  // without it the width zooms as the height does: the aspect ratio stays
  std::string fill_mode = "reflect";        // or "wrap", "nearest", "constant"
  std::string interpolation = "bilinear";   // or "nearest"
  double fill_value = 0.0;
  std::optional<std::uint64_t> seed = {};  // by default the model's seed counts
  std::string name = {};
  bool trainable = true;
};

// During training each image shows 1 + f times as much of its height and width, f from the factors' ranges: what is
// positive zooms out. Else y = x.   x: (n, h, w, c) -> y: the same, floating. 0.2 stands for {-0.2, 0.2}.
class RandomZoom : public Layer {
 public:
  // Throws InvalidArgument unless the factors lie between -1 and 1, without -1, and for an unknown fill_mode or
  // interpolation.
  explicit RandomZoom(const Factor& height_factor, const RandomZoomOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
