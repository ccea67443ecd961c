// The unit that this translation unit is compiled for.
#pragma once

#if defined(__AMX_BF16__) || defined(__AMXBF16__)  // the latter is clang++ 14's
#define KERATIN_AMX 1
#endif
#if defined(__AVX512BF16__) && !defined(KERATIN_AMX)
#include "keratin/backends/cpu/simd/bf16/vector_unit.h"
#else
#include "keratin/backends/cpu/simd/bf16/tile_unit.h"
#endif
