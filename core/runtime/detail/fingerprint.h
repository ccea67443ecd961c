// What a binary was compiled with: libkeratin and every backend module compute it for themselves.
#pragma once

#include <initializer_list>
#include <string>

#include "keratin/core/runtime/module.h"

namespace keratin::detail {

#define KERATIN_TEXT_OF_(x) #x
#define KERATIN_TEXT_OF(x) KERATIN_TEXT_OF_(x)

// KERATIN_VERSION and KERATIN_INTERFACE_HASH come from keratin_fingerprint() in cmake/KeratinFingerprint.cmake.
//
// Static, and not inline: an inline function would be merged across shared libraries, and a module would report
// libkeratin's fingerprint instead of its own.
static std::string fingerprint_of_this_binary() {
  std::string text = "keratin " KERATIN_VERSION ", interface " KERATIN_INTERFACE_HASH ", compiler " __VERSION__
#ifdef _GLIBCXX_RELEASE
                     ", libstdc++ " KERATIN_TEXT_OF(_GLIBCXX_RELEASE) " abi " KERATIN_TEXT_OF(_GLIBCXX_USE_CXX11_ABI)
#endif
                         ", sizes";
  for (const std::size_t size :
       {sizeof(std::string), sizeof(std::any), sizeof(Shape), sizeof(Tensor), sizeof(VariableState), sizeof(Slot),
        sizeof(Step), sizeof(PlanConstant), sizeof(Plan), sizeof(CompileOptions), sizeof(DeviceInfo),
        sizeof(MemoryInfo), sizeof(Regions), sizeof(SpecView), sizeof(BackendModule)}) {
    text += " " + std::to_string(size);
  }
  return text;
}

#undef KERATIN_TEXT_OF
#undef KERATIN_TEXT_OF_

}  // namespace keratin::detail
