// The list of all ops: by calls rather than static objects, which a linker would drop.
#pragma once

#include <span>
#include <string_view>

#include "keratin/core/graph/op_def.h"

namespace keratin {

std::span<const OpDef* const> all_ops();
// nullptr when there is none of that name.
const OpDef* find_op(std::string_view name);

}  // namespace keratin
