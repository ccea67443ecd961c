// The files of tests/goldens: what Keras computes, written by the scripts in scripts/goldens.
#pragma once

#include <string>

namespace keratin::testing {

// The text of tests/goldens/<name>.json.gz. Throws std::runtime_error when it cannot be read.
std::string read_golden(const std::string& name);

}  // namespace keratin::testing
