#include "keratin/core/tensor/philox.h"

namespace keratin {
namespace {

void expect_words(const PhiloxBlock& block, std::initializer_list<std::uint32_t> words) {
  int i = 0;
  for (std::uint32_t word : words) EXPECT_EQ(block.x[i++], word);
}

// The known answers that the authors of the generator publish.
TEST(Philox, GivesTheKnownAnswers) {
  expect_words(philox({{0, 0, 0, 0}}, 0, 0), {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const std::uint32_t ones = 0xffffffff;
  expect_words(philox({{ones, ones, ones, ones}}, ones, ones), {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  expect_words(philox({{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}}, 0xa4093822, 0x299f31d0),
               {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST(Philox, AddressesStreamStepAndBlock) {
  const std::uint64_t stream = 0x1122334455667788u, step = 0x99aabbccddeeff00u, block = 0x0102030405060708u;
  const PhiloxBlock expected = philox({{0x05060708, 0x01020304, 0xddeeff00, 0x99aabbcc}}, 0x55667788, 0x11223344);
  const PhiloxBlock got = philox_at(stream, step, block);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(got.x[i], expected.x[i]);
}

TEST(Philox, UniformNumbersStayBelowOne) {
  EXPECT_EQ(uniform_from_bits(0), 0.0f);
  EXPECT_EQ(uniform_from_bits(0x80000000u), 0.5f);
  EXPECT_LT(uniform_from_bits(0xffffffffu), 1.0f);
  double sum = 0;
  for (std::uint64_t block = 0; block < 1000; ++block) {
    const PhiloxBlock b = philox_at(7, 1, block);
    for (std::uint32_t word : b.x) sum += uniform_from_bits(word);
  }
  EXPECT_NEAR(sum / 4000, 0.5, 0.02);  // 4 standard deviations
}

}  // namespace
}  // namespace keratin
