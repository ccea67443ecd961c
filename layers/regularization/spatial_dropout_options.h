// Options of the SpatialDropout layers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace keratin {

struct SpatialDropoutOptions {
  std::optional<std::uint64_t> seed = {};  // by default the model's seed counts
  std::string name = {};
};

}  // namespace keratin
