#include "keratin/core/ops/random.h"

#include <gtest/gtest.h>

#include "keratin/core/ops/elementwise.h"
#include "tests/backends/cpu/run_op.h"

namespace keratin {
namespace {

using namespace cpu_test;

const std::uint64_t kStream = 0xfedcba9876543210u;
Tensor step(std::int64_t number) { return Tensor::scalar(number); }

TEST(CpuRandom, NumbersAreThoseOfTheGenerator) {
  for (const Shape& shape : {Shape{}, Shape{7}, Shape{3, 5, 11}, Shape{100003}}) {
    check_op(kRandomUniform, RandomAttrs{shape, kStream}, {step((std::int64_t{1} << 40) + 5)});
  }
}

TEST(CpuRandom, DropoutIsItsDecomposition) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    for (const double rate : {0.0, 0.1, 0.5, 1.0}) {
      const Shape shape{301, 403};
      const Tensor x = random_tensor(shape, dtype, 1, 2);
      const Tensor uniform = run_op(kRandomUniform, RandomAttrs{shape, kStream}, {step(3)}).at(0);
      Tensor expected(shape, DType::float64);
      const Tensor wide = x.astype(DType::float64);
      for (std::size_t i = 0; i < static_cast<std::size_t>(x.size()); ++i) {
        const bool kept = static_cast<double>(uniform.values<float>()[i]) >= rate;
        expected.values<double>()[i] = kept ? wide.values<double>()[i] / (1 - rate) : 0;
      }
      expect_close(run_on_threads(kDropout, DropoutAttrs{rate, kStream}, {x, step(3)}).at(0), expected.astype(dtype),
                   1e-6);
    }
  }
  EXPECT_FALSE(
      supported(kDropout, DropoutAttrs{0.5, 1}, {{{2}, DType::int32}, {{}, DType::int64}}, {{{2}, DType::int32}}));
}

}  // namespace
}  // namespace keratin
