#include "keratin/core/ops/random.h"

#include "keratin/core/tensor/philox.h"
#include "tests/backends/reference/fixture.h"

namespace keratin::testing {
namespace {

using ReferenceRandom = ReferenceTest;

TEST_F(ReferenceRandom, UniformNumbersAreThoseOfTheGenerator) {
  const std::uint64_t stream = 0x123456789abcdefu;
  const std::int64_t step = (std::int64_t{1} << 40) + 3;
  auto draw = [&](std::int64_t at) {
    return run("random_uniform", RandomAttrs{{10000}, stream}, {longs({}, {at})}, {Shape{10000}, DType::float32});
  };
  const Tensor x = draw(step);
  const auto values = x.values<float>();
  for (std::size_t i : {0u, 3u, 4u, 9999u}) {
    const PhiloxBlock block = philox_at(stream, static_cast<std::uint64_t>(step), i / 4);
    EXPECT_EQ(values[i], uniform_from_bits(block.x[i % 4]));
  }
  double sum = 0;
  for (float value : values) {
    ASSERT_GE(value, 0.0f);
    ASSERT_LT(value, 1.0f);
    sum += static_cast<double>(value);
  }
  EXPECT_NEAR(sum / 10000, 0.5, 0.02);
  EXPECT_EQ(draw(step).to_vector<float>(), x.to_vector<float>());
  EXPECT_NE(draw(step + 1).to_vector<float>(), x.to_vector<float>());
}

}  // namespace
}  // namespace keratin::testing
