#include "keratin/core/runtime/detail/validation.h"

#include <cstdlib>
#include <string_view>

namespace keratin {

bool validation_wanted() {
  const char* value = std::getenv("KERATIN_VALIDATE");
  return value && std::string_view(value) == "1";
}

}  // namespace keratin
