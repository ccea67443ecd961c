// What one core can do at most: multiply-adds on registers alone, in the instruction set that the kernels use. The
// GFLOP/s of the other benchmarks are read against it.
#include <benchmark/benchmark.h>
#include <immintrin.h>

#include "keratin/backends/cpu/isa.h"

namespace {

constexpr int kRounds = 1000;
// Independent sums: enough to hide the latency of a multiply-add, and few enough for the 16 registers of AVX2.
constexpr int kChains = 12;

// x = x / 2 + 1, so that the sums neither grow nor vanish. Returns the number of floating-point operations.
#define KERATIN_PEAK(name, isa, Vector, set1, multiply_add)                               \
  __attribute__((target(isa))) double name() {                                            \
    Vector sums[kChains];                                                                 \
    for (int i = 0; i < kChains; ++i) sums[i] = set1(static_cast<float>(i));              \
    const Vector half = set1(0.5f), one = set1(1.0f);                                     \
    for (int round = 0; round < kRounds; ++round) {                                       \
      for (int i = 0; i < kChains; ++i) sums[i] = multiply_add(sums[i], half, one);       \
    }                                                                                     \
    for (int i = 0; i < kChains; ++i) asm volatile("" ::"x"(sums[i]));                    \
    return 2.0 * kRounds * kChains * static_cast<double>(sizeof(Vector) / sizeof(float)); \
  }

inline __m128 multiply_add(__m128 a, __m128 b, __m128 c) { return _mm_add_ps(_mm_mul_ps(a, b), c); }

KERATIN_PEAK(peak_baseline, "sse2", __m128, _mm_set1_ps, multiply_add)
KERATIN_PEAK(peak_avx2, "avx2,fma", __m256, _mm256_set1_ps, _mm256_fmadd_ps)
KERATIN_PEAK(peak_avx512, "avx512f", __m512, _mm512_set1_ps, _mm512_fmadd_ps)

void peak(benchmark::State& state) {
  using keratin::cpu::Isa;
  const Isa isa = keratin::cpu::isa();
  const auto run = isa == Isa::avx512 ? peak_avx512 : isa == Isa::avx2 ? peak_avx2 : peak_baseline;
  double flops = 0;
  for (auto _ : state) flops += run();
  state.counters["GFLOP/s"] = benchmark::Counter(flops * 1e-9, benchmark::Counter::kIsRate);
  state.SetLabel(std::string(keratin::cpu::name_of(isa)));
}
BENCHMARK(peak);

}  // namespace
