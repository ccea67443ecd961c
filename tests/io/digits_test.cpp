#include "keratin/io/digits.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "keratin/keratin.h"

namespace keratin {
namespace {

// FNV-1a over pixels and label.
std::uint64_t hash_of(const Digit& digit, std::uint64_t hash = 0xcbf29ce484222325u) {
  const auto mix = [&hash](std::uint8_t byte) { hash = (hash ^ byte) * 0x100000001b3u; };
  for (const std::uint8_t pixel : digit.pixels) mix(pixel);
  mix(static_cast<std::uint8_t>(digit.label));
  return hash;
}

TEST(Digits, NeverChange) {
  // People compare results on these images. Change the generator only on purpose, and say so in the changelog.
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (std::uint64_t i = 0; i < 64; ++i) hash = hash_of(draw_digit(1, i), hash);
  EXPECT_EQ(hash, 3482195275164450931u);
  EXPECT_EQ(hash_of(draw_digit(0xfedcba9876543210u, std::uint64_t{1} << 48)), 733898981524731546u);
}

// They are no toy: what a linear softmax can tell apart stays well below what a convolution does.
TEST(SlowDigits, AreTooHardForALinearModel) {
  set_random_seed(1);
  const auto [train, test] = datasets::digits({.train = 20000, .test = 4000});
  Sequential model({Input({28, 28, 1}), Rescaling(1.0 / 255), Flatten(), Dense(10, {.activation = "softmax"})});
  model.compile("adam", "sparse_categorical_crossentropy", {"accuracy"});
  model.fit(train.x, train.y, {.batch_size = 64, .epochs = 8, .verbose = 0});
  const double accuracy = model.evaluate(test.x, test.y, {.verbose = 0})["accuracy"];
  EXPECT_LT(accuracy, 0.93);
  EXPECT_GT(accuracy, 0.85);  // and they are digits: it has learned
}

TEST(Digits, DependOnSeedAndIndexOnly) {
  const Digit digit = draw_digit(7, 3);
  draw_digit(7, 4);
  EXPECT_EQ(hash_of(draw_digit(7, 3)), hash_of(digit));
  EXPECT_NE(hash_of(draw_digit(7, 4)), hash_of(digit));
  EXPECT_NE(hash_of(draw_digit(8, 3)), hash_of(digit));
}

TEST(Digits, AreFramedLikeMnist) {
  std::array<int, 10> of_label{};
  for (std::uint64_t i = 0; i < 1000; ++i) {
    const Digit digit = draw_digit(2, i);
    ASSERT_GE(digit.label, 0);
    ASSERT_LE(digit.label, 9);
    ++of_label[static_cast<std::size_t>(digit.label)];
    double mass = 0, x = 0, y = 0;
    int brightest = 0, inked = 0;
    for (int at = 0; at < 784; ++at) {
      const int pixel = digit.pixels[static_cast<std::size_t>(at)];
      brightest = std::max(brightest, pixel);
      if (pixel < 64) continue;  // leave out the dirt of some sheets
      ++inked;
      mass += pixel;
      x += pixel * (at % 28);
      y += pixel * (at / 28);
    }
    EXPECT_GT(brightest, 70) << i;
    EXPECT_GT(inked, 15) << i;
    EXPECT_LT(inked, 400) << i;
    EXPECT_LT(std::abs(x / mass - 13.5), 2) << i;
    EXPECT_LT(std::abs(y / mass - 13.5), 2) << i;
  }
  for (const int count : of_label) EXPECT_NEAR(count, 100, 40);
}

TEST(DigitsDataset, DoesNotDependOnThreadsOrNumbers) {
  const auto [train, test] = datasets::digits({.train = 50, .test = 20, .seed = 5, .threads = 1});
  EXPECT_EQ(train.x.shape(), Shape({50, 28, 28, 1}));
  EXPECT_EQ(train.x.dtype(), DType::uint8);
  EXPECT_EQ(train.y.shape(), Shape({50}));
  EXPECT_EQ(train.y.dtype(), DType::int32);
  const auto other = datasets::digits({.train = 7, .test = 20, .seed = 5, .threads = 3});
  EXPECT_EQ(other.train.x.to_vector<std::uint8_t>(), train.x.rows(0, 7).to_vector<std::uint8_t>());
  EXPECT_EQ(other.test.x.to_vector<std::uint8_t>(), test.x.to_vector<std::uint8_t>());
  EXPECT_EQ(other.test.y.to_vector<std::int32_t>(), test.y.to_vector<std::int32_t>());
  EXPECT_EQ(train.y.at({3}), draw_digit(5, 3).label);
  EXPECT_NE(train.x.rows(0, 1).to_vector<std::uint8_t>(), test.x.rows(0, 1).to_vector<std::uint8_t>());
}

TEST(DigitsDataset, TakesNoImagesAndRefusesNegativeNumbers) {
  const auto [train, test] = datasets::digits({.train = 0, .test = 1, .threads = 4});
  EXPECT_EQ(train.x.shape(), Shape({0, 28, 28, 1}));
  EXPECT_EQ(test.x.shape(), Shape({1, 28, 28, 1}));
  EXPECT_THROW(datasets::digits({.train = -1}), InvalidArgument);
  EXPECT_THROW(datasets::digits({.threads = -2}), InvalidArgument);
}

}  // namespace
}  // namespace keratin
