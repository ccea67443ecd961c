// JSON of files as configurations. Files are taken for hostile: depth, size and number of values are limited.
#pragma once

#include <string>
#include <string_view>

#include "keratin/core/model/config.h"

namespace keratin::detail {

// Throws FileError for what is not JSON, for a key that comes twice in an object, and beyond the limits.
ConfigValue parse_json(std::string_view text);

}  // namespace keratin::detail
