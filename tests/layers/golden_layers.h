// The layers of tests/goldens/layers.json, by the names that scripts/goldens/make_layer_goldens.py gives them.
#pragma once

#include <map>
#include <string>

#include "keratin/core/model/layer.h"

namespace keratin::testing {

std::map<std::string, Layer> golden_layers();

}  // namespace keratin::testing
