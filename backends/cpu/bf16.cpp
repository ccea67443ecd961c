#include "keratin/backends/cpu/bf16.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "keratin/backends/cpu/isa.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/tensor/log.h"

namespace keratin::cpu {
namespace {

constexpr Bf16Unit kAll[] = {Bf16Unit::off, Bf16Unit::portable, Bf16Unit::avx512, Bf16Unit::amx};

#if defined(__x86_64__)
struct CpuFeatures {
  bool avx512_bf16 = false, amx = false;
};

CpuFeatures cpu_features() {
  CpuFeatures features;
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  const std::vector<Isa> isas = supported_isas();
  if (std::find(isas.begin(), isas.end(), Isa::avx512) == isas.end()) return features;
  if (__get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx)) features.avx512_bf16 = eax >> 5 & 1;
  if (!__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) return features;
  const bool tiles = (edx >> 22 & 1) && (edx >> 24 & 1);
  // The operating system keeps the tiles' state (bits 17 and 18), or it does not.
  unsigned low = 0, high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  features.amx = features.avx512_bf16 && tiles && (low >> 17 & 3) == 3;  // our code for tiles packs with AVX512_BF16
  return features;
}

// Linux gives a process the tiles' registers when it asks for them.
bool ask_for_tiles() {
  constexpr long kRequestPermission = 0x1023, kTileData = 18;
  static const bool granted = syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return granted;
}
#endif

bool supported(Bf16Unit unit) {
#if defined(__x86_64__)
  static const CpuFeatures features = cpu_features();
  switch (unit) {
    case Bf16Unit::off:
    case Bf16Unit::portable: return true;
    case Bf16Unit::avx512: return features.avx512_bf16;
    case Bf16Unit::amx: return features.amx;
  }
  return false;
#else
  return unit == Bf16Unit::off || unit == Bf16Unit::portable;
#endif
}

// AMD's vdpbf16ps has twice the throughput of a float32 multiply-add, that of Intel's server processors half of it.
bool bf16_vectors_are_fast() {
#if defined(__x86_64__)
  return !__builtin_cpu_is("intel");
#else
  return false;
#endif
}

std::string available() {
  std::string names;
  for (const Bf16Unit unit : supported_bf16_units()) names += (names.empty() ? "" : ", ") + std::string(name_of(unit));
  return names;
}

// A product with borders and two blocks of depth, beside the same in float32.
bool computes_right(const Bf16Kernels& kernels) {
  constexpr i64 m = 37, n = 50, k = 500;
  const auto& f32 = simd().f32;
  std::vector<float> a(m * k), b(k * n), want(m * n), got(m * n);
  f32.uniform(1, 1, 0, m * k, -1.0f, 1.0f, a.data());
  f32.uniform(2, 1, 0, k * n, -1.0f, 1.0f, b.data());
  const GemmShape shape{.m = m, .n = n, .k = k, .lda = k, .ldb = n, .ldc = n};
  std::vector<char> workspace(std::max(f32.gemm_workspace(shape), kernels.gemm_workspace(shape, 2)));
  f32.gemm(shape, a.data(), b.data(), want.data(), nullptr, Activation::none, workspace.data());
  for (const int parts : {1, 2}) {
    if (!kernels.gemm(shape, parts, a.data(), b.data(), got.data(), nullptr, Activation::none, workspace.data())) {
      return false;
    }
    double error = 0, size = 0;
    for (std::size_t i = 0; i < got.size(); ++i) {
      const double difference = static_cast<double>(got[i]) - static_cast<double>(want[i]);
      error += difference * difference;
      size += static_cast<double>(want[i]) * static_cast<double>(want[i]);
    }
    if (!(std::sqrt(error / size) < (parts == 1 ? 1e-2 : 3e-5))) return false;
  }
  return true;
}

bool trusted(Bf16Unit unit) {
#if defined(__x86_64__)
  if (unit != Bf16Unit::amx) return true;
  static const bool right = [] {
    if (!ask_for_tiles()) {
      log(LogLevel::warning,
          "cpu:0: the operating system does not give this process AMX; the precisions high and medium are computed in "
          "float32");
      return false;
    }
    if (!computes_right(bf16_kernels(Bf16Unit::amx))) {
      log(LogLevel::warning,
          "cpu:0: a product by AMX was not what it should be, so AMX is not used: the precisions high and medium are "
          "computed in float32. Please report this with the processor's name.");
      return false;
    }
    return true;
  }();
  return right;
#else
  return unit != Bf16Unit::amx;
#endif
}

}  // namespace

std::string_view name_of(Bf16Unit unit) {
  switch (unit) {
    case Bf16Unit::portable: return "portable";
    case Bf16Unit::avx512: return "avx512";
    case Bf16Unit::amx: return "amx";
    case Bf16Unit::off: break;
  }
  return "off";
}

std::vector<Bf16Unit> supported_bf16_units() {
  std::vector<Bf16Unit> result;
  for (const Bf16Unit unit : kAll) {
    if (supported(unit)) result.push_back(unit);
  }
  return result;
}

Bf16Unit choose_bf16_unit(std::string_view forced) {
  if (forced.empty() || forced == "auto") {
    if (isa() != Isa::avx512) return Bf16Unit::off;
    if (supported(Bf16Unit::amx)) return Bf16Unit::amx;
    return supported(Bf16Unit::avx512) && bf16_vectors_are_fast() ? Bf16Unit::avx512 : Bf16Unit::off;
  }
  for (const Bf16Unit unit : kAll) {
    if (name_of(unit) != forced) continue;
    if (supported(unit)) return unit;
    throw InvalidArgument("KERATIN_CPU_BF16: this CPU does not have '" + std::string(forced) + "'. Available: auto, " +
                          available() + ".");
  }
  throw InvalidArgument("KERATIN_CPU_BF16: unknown unit '" + std::string(forced) + "'. Available: auto, " +
                        available() + ".");
}

Bf16Unit bf16_unit() {
  static const Bf16Unit chosen = [] {
    const char* forced = std::getenv("KERATIN_CPU_BF16");
    return choose_bf16_unit(forced ? forced : "");
  }();
  return chosen;
}

const Bf16Kernels& bf16_kernels(Bf16Unit unit) {
  if (unit == Bf16Unit::off || !supported(unit)) {
    throw InvalidArgument("bf16_kernels: there are none for '" + std::string(name_of(unit)) +
                          "' here. Available: " + available() + ".");
  }
#if defined(__x86_64__)
  if (unit == Bf16Unit::avx512) return bf16_avx512::bf16_table();
  if (unit == Bf16Unit::amx) return bf16_amx::bf16_table();
#endif
  return bf16_portable::bf16_table();
}

LowPrecision low_precision(Precision precision, Bf16Unit unit) {
  if (precision == Precision::highest || unit == Bf16Unit::off || !trusted(unit)) return {};
  const std::string name = "bf16 " + std::string(name_of(unit));
  if (precision == Precision::medium) return {&bf16_kernels(unit), 1, name};
  if (unit == Bf16Unit::avx512) return {};
  return {&bf16_kernels(unit), 2, "2 x " + name};
}
LowPrecision low_precision(Precision precision) {
  return precision == Precision::highest ? LowPrecision{} : low_precision(precision, bf16_unit());
}

std::string describe_precisions() {
  switch (low_precision(Precision::medium) ? bf16_unit() : Bf16Unit::off) {
    case Bf16Unit::amx: return "high and medium by AMX";
    case Bf16Unit::avx512: return "high as highest, medium by AVX512_BF16";
    case Bf16Unit::portable: return "high and medium by plain C++";
    case Bf16Unit::off: break;
  }
  return "high and medium as highest";
}

}  // namespace keratin::cpu
