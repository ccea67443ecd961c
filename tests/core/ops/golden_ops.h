// The functions of tests/goldens/ops.json.gz, by the names that scripts/goldens/make_ops_goldens.py gives them: that of
// the function here and, after a slash, what is special about the case.
#pragma once

#include <map>
#include <string>

#include "keratin/core/graph/value.h"

namespace keratin::testing {

using GoldenFunction = Values (*)(const Values& inputs);
const std::map<std::string, GoldenFunction>& golden_ops();

}  // namespace keratin::testing
