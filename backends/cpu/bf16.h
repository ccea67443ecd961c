// What float32 products are computed by below the precision `highest`: which unit for bfloat16 this processor has.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "keratin/backends/cpu/simd/bf16/kernels.h"
#include "keratin/core/runtime/backend.h"

namespace keratin::cpu {

// `portable` is plain C++ and slow: it is for tests. `off`: float32 at every level.
enum class Bf16Unit { off, portable, avx512, amx };

// "off", "portable", "avx512", "amx".
std::string_view name_of(Bf16Unit unit);

// What this processor and its operating system have, the plainest first; `off` and `portable` always.
std::vector<Bf16Unit> supported_bf16_units();

// The best of AMX, AVX512_BF16 where it is faster than float32, and none, for the instruction set in use ("" and
// "auto"); or the one that is named.
// Throws InvalidArgument when it names an unknown unit or one this processor does not have.
Bf16Unit choose_bf16_unit(std::string_view forced);

// choose_bf16_unit(KERATIN_CPU_BF16), decided at the first call.
Bf16Unit bf16_unit();

// Not for `off`. Throws InvalidArgument when this processor does not have it.
const Bf16Kernels& bf16_kernels(Bf16Unit unit);

// How products of float32 are computed at a level of precision.
struct LowPrecision {
  const Bf16Kernels* kernels = nullptr;  // null: in float32
  int parts = 0;                         // bfloat16 numbers for each float32
  std::string name;                      // "bf16 amx", "2 x bf16 amx"
  explicit operator bool() const { return kernels != nullptr; }
};
// With AMX: two parts at `high` and one at `medium`. With AVX512_BF16 one part at `medium`; three of its products would
// take longer than one of float32, so `high` means `highest`.
LowPrecision low_precision(Precision precision, Bf16Unit unit);
// The same for bf16_unit(). AMX has to prove itself when it is used for the first time: a product that is not what it
// should be is said once, and everything is computed in float32.
LowPrecision low_precision(Precision precision);

// What the levels mean here, for the device's description: "high as highest, medium by AVX512_BF16".
std::string describe_precisions();

}  // namespace keratin::cpu
