// KERATIN_DUMP: which stages of the compiler are printed.
#pragma once

#include <string_view>

namespace keratin {

// Whether the comma-separated list in KERATIN_DUMP has `stage`: "layers", "trace" or "plan".
bool dump_wanted(std::string_view stage);

}  // namespace keratin
