// RandomErasing: images with a rectangle overwritten (keras.layers.RandomErasing).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "keratin/core/model/layer.h"
#include "keratin/layers/factor.h"

namespace keratin {

struct RandomErasingOptions {
  Factor scale = {0.02, 0.33};  // the rectangle's height and width are the roots of two such parts of the image's
  std::vector<double> fill_value =
      {};  // one number or one for each channel; empty: normal noise times the largest value
  std::array<double, 2> value_range = {0, 255};  // what is filled in is cut off at these
  std::optional<std::uint64_t> seed = {};        // by default the model's seed counts
  std::string name = {};
  bool trainable = true;
};

// During training each image loses, with a probability from factor's range, a rectangle at a random place; else y = x.
// x: (n, h, w, c) -> y: the same, floating. factor and scale: 0.5 stands for {0, 0.5}, as in Keras.
class RandomErasing : public Layer {
 public:
  // Throws InvalidArgument unless factor and scale lie between 0 and 1; when called, for a fill_value that does not fit
  // the channels.
  explicit RandomErasing(const Factor& factor = 1.0, const RandomErasingOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
