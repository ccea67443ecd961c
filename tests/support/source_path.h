// Where tests find files of the source tree: goldens, fixtures, headers.
#pragma once

#include <string>

namespace keratin::testing {

// A file or folder of the source tree, e.g. "tests/goldens/ops.json.gz". Tests that were carried to another machine
// find it below the folder that the environment variable KERATIN_TEST_SOURCE names.
std::string source_path(const std::string& relative);

}  // namespace keratin::testing
