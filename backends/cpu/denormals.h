// Numbers too small for the normal range (below 1.2e-38 in float32) count as zero while kernels run. Optimizer slots of
// weights that no longer change decay into that range and would stay there, where arithmetic is some 100 times slower.
#pragma once

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace keratin::cpu {

// For the calling thread, while the object lives.
class FlushDenormals {
 public:
#if defined(__SSE__)
  FlushDenormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | kFlushToZero | kDenormalsAreZero); }
  ~FlushDenormals() { _mm_setcsr(before_); }

 private:
  static constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x0040;
  unsigned before_;

 public:
#else
  FlushDenormals() {}
  ~FlushDenormals() {}
#endif
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;
};

}  // namespace keratin::cpu
