#include "keratin/backends/cpu/isa.h"

#include <cstdlib>

#include "keratin/backends/cpu/simd/tables.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::cpu {
namespace {

bool supported(Isa isa) {
#if defined(__x86_64__) || defined(__i386__)
  switch (isa) {
    case Isa::baseline: return true;
    case Isa::avx2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
    case Isa::avx512:
      return supported(Isa::avx2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
             __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  }
  return false;
#else
  return isa == Isa::baseline;
#endif
}

std::string available() {
  std::string names;
  for (const Isa isa : supported_isas()) names += (names.empty() ? "" : ", ") + std::string(name_of(isa));
  return names;
}

constexpr Isa kAll[] = {Isa::baseline, Isa::avx2, Isa::avx512};

}  // namespace

std::string_view name_of(Isa isa) {
  switch (isa) {
    case Isa::avx2: return "avx2";
    case Isa::avx512: return "avx512";
    case Isa::baseline: break;
  }
  return "baseline";
}

std::vector<Isa> supported_isas() {
  std::vector<Isa> result;
  for (const Isa isa : kAll) {
    if (supported(isa)) result.push_back(isa);
  }
  return result;
}

Isa choose_isa(std::string_view forced) {
  if (forced.empty()) return supported_isas().back();
  for (const Isa isa : kAll) {
    if (name_of(isa) != forced) continue;
    if (supported(isa)) return isa;
    throw InvalidArgument("KERATIN_CPU_ISA: this CPU cannot run '" + std::string(forced) +
                          "'. Available: " + available() + ".");
  }
  throw InvalidArgument("KERATIN_CPU_ISA: unknown instruction set '" + std::string(forced) +
                        "'. Available: " + available() + ".");
}

Isa isa() {
  // For tests and for comparing instruction sets on one machine.
  static const Isa chosen = [] {
    const char* forced = std::getenv("KERATIN_CPU_ISA");
    return choose_isa(forced ? forced : "");
  }();
  return chosen;
}

const Simd& simd() {
  static const Simd& chosen = simd(isa());
  return chosen;
}

const Simd& simd(Isa isa) {
  if (!supported(isa)) {
    throw InvalidArgument("simd: this CPU cannot run '" + std::string(name_of(isa)) + "'. Available: " + available() +
                          ".");
  }
  switch (isa) {
    case Isa::avx2: return avx2::table();
    case Isa::avx512: return avx512::table();
    case Isa::baseline: break;
  }
  return baseline::table();
}

}  // namespace keratin::cpu
