// The layers of tests/goldens/*.json.gz, by the names that the scripts in scripts/goldens give them.
#pragma once

#include <map>
#include <string>

#include "keratin/core/model/layer.h"

namespace keratin::testing {

std::map<std::string, Layer> golden_layers();

}  // namespace keratin::testing
