#include "tests/support/source_path.h"

#include <cstdlib>

#include "tests/build_paths.h"

namespace keratin::testing {

std::string source_path(const std::string& relative) {
  const char* folder = std::getenv("KERATIN_TEST_SOURCE");
  return std::string(folder ? folder : KERATIN_SOURCE_DIR) + "/" + relative;
}

}  // namespace keratin::testing
