// The tables of the instruction sets this library was built with. Callers use isa.h, which picks one the CPU can run.
#pragma once

#include "keratin/backends/cpu/simd/simd.h"

namespace keratin::cpu {

namespace baseline {
const Simd& table();
}
namespace avx2 {
const Simd& table();
}
namespace avx512 {
const Simd& table();
}

}  // namespace keratin::cpu
