// RandomColorJitter: brightness, contrast, saturation and hue at random (keras.layers.RandomColorJitter).
#pragma once

#include <array>
#include <optional>
#include <string>

#include "keratin/core/model/layer.h"
#include "keratin/layers/factor.h"

namespace keratin {

struct RandomColorJitterOptions {
  std::array<double, 2> value_range = {0, 255};  // the smallest and the largest value of the images
  // What each of RandomBrightness, RandomContrast, RandomSaturation and RandomHue takes; those without do nothing.
  std::optional<Factor> brightness_factor = {}, contrast_factor = {}, saturation_factor = {}, hue_factor = {};
  std::optional<std::uint64_t> seed = {};  // by default the model's seed counts
  std::string name = {};
  bool trainable = true;
};

// During training the four layers one after another; else y = x.
// x: (n, h, w, c), with 3 channels for saturation and hue -> y: the same, floating.
class RandomColorJitter : public Layer {
 public:
  // Throws InvalidArgument for a factor that its layer refuses.
  explicit RandomColorJitter(const RandomColorJitterOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
