#include "keratin/core/compiler/detail/dump.h"

#include <cstdlib>
#include <string>

namespace keratin {

bool dump_wanted(std::string_view stage) {
  const char* list = std::getenv("KERATIN_DUMP");
  if (!list) return false;
  const std::string text = "," + std::string(list) + ",";
  return text.find("," + std::string(stage) + ",") != std::string::npos;
}

}  // namespace keratin
