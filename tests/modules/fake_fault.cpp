#include "tests/modules/fake_fault.h"

namespace keratin::testing {

void nobody_defines_this();

const Fault kFault = Fault::KERATIN_FAKE_FAULT;

void call_what_is_missing() {
  if constexpr (Fault::KERATIN_FAKE_FAULT == Fault::undefined_symbol) nobody_defines_this();
}

}  // namespace keratin::testing
