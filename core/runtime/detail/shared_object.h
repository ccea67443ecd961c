// A look at a shared library's file before the dynamic linker maps it.
#pragma once

#include <string>

namespace keratin::detail {

// Why `path` cannot be a complete shared library for this machine, or "" when nothing speaks against it. The dynamic
// linker does not compare a file's length with its headers: half a library (an interrupted copy) would end the process
// with a bus error.
std::string fault_of_shared_object(const std::string& path);

}  // namespace keratin::detail
