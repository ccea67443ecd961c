// The options of layers that change images at random.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

namespace keratin {

struct RandomImageOptions {
  std::optional<std::uint64_t> seed = {};  // by default the model's seed counts
  std::string name = {};
  bool trainable = true;
};

// For layers that change values.
struct RandomColorOptions {
  std::array<double, 2> value_range = {0, 255};  // the smallest and the largest value of the images
  std::optional<std::uint64_t> seed = {};
  std::string name = {};
  bool trainable = true;
};

// For layers that move pixels.
struct RandomAffineOptions {
  // What comes into view: "reflect", the image mirrored at its edge; "wrap", the image again; "nearest", its border;
  // "constant", fill_value.
  std::string fill_mode = "reflect";
  std::string interpolation = "bilinear";  // or "nearest"
  double fill_value = 0.0;
  std::optional<std::uint64_t> seed = {};
  std::string name = {};
  bool trainable = true;
};

}  // namespace keratin
