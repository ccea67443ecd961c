#include "tests/modules/fake_fault.h"

namespace keratin::testing {

void nobody_defines_this();

const Fault kFault = Fault::KERATIN_FAKE_FAULT;

void call_what_is_missing() {
  constexpr Fault fault = Fault::KERATIN_FAKE_FAULT;  // clang++ warns of a comparison with itself
  if constexpr (fault == Fault::undefined_symbol) nobody_defines_this();
}

}  // namespace keratin::testing
