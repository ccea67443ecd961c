// Tiles of 32 x 32 by a matrix unit with eight tile registers: AMX, or the same in plain C++, which tests this file and
// the packing on processors without it.
#pragma once

#include "keratin/backends/cpu/simd/bf16/tile_job.h"

namespace keratin::cpu::KERATIN_ISA {

#if defined(KERATIN_AMX)

// Registers of 16 rows of 64 bytes while the object lives. Written as assembly, because the compilers' intrinsics do
// not say what memory they read and write.
class Registers {
 public:
  Registers() {
    struct alignas(64) Config {
      std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
      u16 row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
      std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
    };
    static_assert(sizeof(Config) == 64);
    static constexpr Config config;
    asm volatile("ldtilecfg %0" ::"m"(config) : "memory");
  }
  ~Registers() { asm volatile("tilerelease" ::: "memory"); }
  Registers(const Registers&) = delete;
  Registers& operator=(const Registers&) = delete;

  template <int T>
  KERATIN_INLINE void zero() {
    asm volatile("tilezero %%tmm%c0" ::"i"(T));
  }
  // Rows are `row` bytes apart.
  template <int T>
  KERATIN_INLINE void load(const void* from, i64 row) {
    asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(row), "i"(T) : "memory");
  }
  template <int T>
  KERATIN_INLINE void store(void* to, i64 row) {
    asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(row), "i"(T) : "memory");
  }
  // C += A · B.
  template <int C, int A, int B>
  KERATIN_INLINE void multiply() {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(C), "i"(A), "i"(B));
  }
};

#else

class Registers {
 public:
  template <int T>
  void zero() {
    __builtin_memset(tile_[T], 0, sizeof tile_[T]);
  }
  template <int T>
  void load(const void* from, i64 row) {
    for (i64 i = 0; i < 16; ++i) __builtin_memcpy(tile_[T][i], static_cast<const char*>(from) + i * row, 64);
  }
  template <int T>
  void store(void* to, i64 row) {
    for (i64 i = 0; i < 16; ++i) __builtin_memcpy(static_cast<char*>(to) + i * row, tile_[T][i], 64);
  }
  template <int C, int A, int B>
  void multiply() {
    for (int m = 0; m < 16; ++m) {
      float sum[16];
      __builtin_memcpy(sum, tile_[C][m], sizeof sum);
      for (int k = 0; k < 16; ++k) {
        const float a0 = low(tile_[A][m][k]), a1 = high(tile_[A][m][k]);
        for (int n = 0; n < 16; ++n) {
          sum[n] += a0 * low(tile_[B][k][n]);
          sum[n] += a1 * high(tile_[B][k][n]);
        }
      }
      __builtin_memcpy(tile_[C][m], sum, sizeof sum);
    }
  }

 private:
  static float low(u32 word) { return widened(static_cast<u16>(word)); }
  static float high(u32 word) { return widened(static_cast<u16>(word >> 16)); }
  u32 tile_[8][16][16];
};

#endif

// Registers 0 to 3 are C, 4 and 5 are rows of A, 6 and 7 columns of B.
class Unit {
 public:
  static constexpr i64 kRows = 32;
  static constexpr i64 kDepth = 32;
  static constexpr bool kFlat = true;  // whole tiles are worth wasted pixels between the lines of an image

  static constexpr i64 kWidest = 2, kWidestRows = kRows;
  static constexpr i64 deepest(int) { return 256; }

  void run(const TileJob& job, i64 rows, int vectors) {
    if (rows > 16) {
      vectors == 1 ? tile<2, 1>(job, rows) : tile<2, 2>(job, rows);
    } else {
      vectors == 1 ? tile<1, 1>(job, rows) : tile<1, 2>(job, rows);
    }
  }

 private:
  template <int M, int N>
  void tile(const TileJob& job, i64 rows) {
    // Sums begin with what C holds, whole tile or not: its bits must not depend on how C is cut.
    const bool whole = rows == 16 * M && job.cols == 16 * N;
    alignas(64) float part[16 * M][16 * N];
    if (!job.add) {
      each<M, N>([&]<int m, int n>() { r_.template zero<2 * m + n>(); });
    } else if (whole) {
      each<M, N>([&]<int m, int n>() { r_.template load<2 * m + n>(c_of<m, n>(job), 4 * job.c_row); });
    } else {
      for (i64 i = 0; i < rows; ++i) {
        for (i64 j = 0; j < job.cols; ++j) part[i][j] = job.c[i * job.c_row + j];
      }
      each<M, N>([&]<int m, int n>() { r_.template load<2 * m + n>(&part[16 * m][16 * n], sizeof part[0]); });
    }
    const u16* a = job.a;
    const u32* b = job.b;
    for (i64 segment = 0; segment < job.segments; ++segment) {
      for (i64 p = 0; p < job.pairs; p += kDepth / 2, a += kDepth, b += kDepth / 2 * job.b_step) {
        load_a<M>(job, a);
        if (job.parts == 2) {
          load_b<N>(job, b + job.b_part);
          multiply<M, N>();
        }
        load_b<N>(job, b);
        multiply<M, N>();
        if (job.parts == 2) {
          load_a<M>(job, a + job.a_part);
          multiply<M, N>();
        }
      }
      a += job.a_jump;
      b += job.b_jump;
    }
    if (whole && !job.bias && !job.relu) {
      each<M, N>([&]<int m, int n>() { r_.template store<2 * m + n>(c_of<m, n>(job), 4 * job.c_row); });
      return;
    }
    each<M, N>([&]<int m, int n>() { r_.template store<2 * m + n>(&part[16 * m][16 * n], sizeof part[0]); });
    for (i64 i = 0; i < rows; ++i) {
      float* c = job.c + i * job.c_row;
      for (i64 j = 0; j < job.cols; ++j) {
        const float value = job.bias ? part[i][j] + job.bias[j] : part[i][j];
        c[j] = job.relu && value < 0 ? 0 : value;
      }
    }
  }

  // f.operator()<m, n>() for the M x N registers of C.
  template <int M, int N, class F>
  static KERATIN_INLINE void each(F&& f) {
    f.template operator()<0, 0>();
    if constexpr (N > 1) f.template operator()<0, 1>();
    if constexpr (M > 1) f.template operator()<1, 0>();
    if constexpr (M > 1 && N > 1) f.template operator()<1, 1>();
  }
  template <int m, int n>
  static KERATIN_INLINE float* c_of(const TileJob& job) {
    return job.c + 16 * m * job.c_row + 16 * n;
  }
  template <int M>
  KERATIN_INLINE void load_a(const TileJob& job, const u16* a) {
    r_.template load<4>(a, 2 * job.a_row);
    if constexpr (M > 1) r_.template load<5>(a + 16 * job.a_row, 2 * job.a_row);
  }
  template <int N>
  KERATIN_INLINE void load_b(const TileJob& job, const u32* b) {
    r_.template load<6>(b, 4 * job.b_step);
    if constexpr (N > 1) r_.template load<7>(b + 16, 4 * job.b_step);
  }
  template <int M, int N>
  KERATIN_INLINE void multiply() {
    each<M, N>([&]<int m, int n>() { r_.template multiply<2 * m + n, 4 + m, 6 + n>(); });
  }

  Registers r_;
};

}  // namespace keratin::cpu::KERATIN_ISA
