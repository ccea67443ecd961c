#include "keratin/core/runtime/module.h"

#include "keratin/core/runtime/detail/fingerprint.h"

namespace keratin {

std::string build_fingerprint() { return detail::fingerprint_of_this_binary(); }

}  // namespace keratin
