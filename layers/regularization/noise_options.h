// NoiseOptions: the options of layers that add or multiply noise.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace keratin {

struct NoiseOptions {
  std::optional<std::uint64_t> seed = {};  // by default the model's seed counts
  std::string name = {};
  bool trainable = true;
};

}  // namespace keratin
