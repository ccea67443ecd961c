// Which instruction set the CPU backend computes with, and its table of kernels.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "keratin/backends/cpu/simd/simd.h"

namespace keratin::cpu {

enum class Isa { baseline, avx2, avx512 };

// "baseline", "avx2", "avx512".
std::string_view name_of(Isa isa);

// What this CPU (and its operating system) can run, the plainest first.
std::vector<Isa> supported_isas();

// The best supported set, or the one named by `forced` if that is not empty. Throws InvalidArgument when it names an
// unknown set or one this CPU cannot run.
Isa choose_isa(std::string_view forced);

// The set the process computes with: choose_isa(KERATIN_CPU_ISA), decided at the first call.
Isa isa();

// The kernels of isa().
const Simd& simd();
// The kernels of a given set; throws InvalidArgument when this CPU cannot run it.
const Simd& simd(Isa isa);

}  // namespace keratin::cpu
