// KERATIN_VALIDATE=1: training gives the same numbers, and the first step with a wrong one is named.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <limits>

#include "keratin/core/runtime/detail/difference.h"
#include "keratin/keratin.h"
#include "tests/io/temporary_folder.h"
#include "tests/modules/fake_backend.h"
#include "tests/support/expect_error.h"
#include "tests/support/modules.h"

namespace keratin::testing {
namespace {

constexpr float kNan = std::numeric_limits<float>::quiet_NaN(), kInfinity = std::numeric_limits<float>::infinity();

std::int64_t differing(const Tensor& got, const Tensor& expected, double relative, std::span<const double> slack = {}) {
  const auto found = difference(got, expected, relative, slack);
  return found ? found->elements : 0;
}

TEST(Difference, FloatsAreComparedWithTheLargestMagnitude) {
  const Tensor a({2, 2}, {1000.0f, 0.001f, -3.0f, 0.0f});
  EXPECT_EQ(differing(a, a, 0), 0);
  EXPECT_EQ(differing(Tensor({2, 2}, {1000.0f, 0.005f, -3.0f, 0.0f}), a, 1e-5), 0);
  const auto found = difference(Tensor({2, 2}, {1000.0f, 0.001f, -3.5f, 1.0f}), a, 1e-5);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->elements, 2);
  EXPECT_EQ(found->position, "(1, 1)");
  EXPECT_EQ(found->value, "1");
  EXPECT_EQ(found->expected, "0");
  EXPECT_EQ(found->distance, 1);
  EXPECT_NEAR(found->allowed, 0.01, 1e-9);
  const std::vector<double> slack = {0, 0, 1, 1};
  EXPECT_EQ(differing(Tensor({2, 2}, {1000.0f, 0.001f, -3.5f, 1.0f}), a, 1e-5, slack), 0);
}

TEST(Difference, WhatIsNoNumberAgreesWithItselfOnly) {
  const Tensor special({4}, {kNan, kInfinity, -kInfinity, 1.0f});
  EXPECT_EQ(differing(special, special, 1e-5), 0);
  EXPECT_EQ(differing(Tensor({4}, {1.0f, kInfinity, -kInfinity, kNan}), special, 1e-5), 2);
  EXPECT_EQ(differing(Tensor({4}, {kNan, -kInfinity, 3e38f, 1.0f}), special, 1e-5), 2);
  const auto found = difference(Tensor({4}, {kNan, kInfinity, -kInfinity, kNan}), special, 1e-5);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->position, "(3)");
  EXPECT_EQ(found->value, "nan");
  EXPECT_EQ(found->distance, std::numeric_limits<double>::infinity());
}

TEST(Difference, IntegersAreExact) {
  constexpr std::int64_t kBig = std::int64_t{1} << 53;
  EXPECT_EQ(differing(Tensor({2}, {kBig, kBig + 1}), Tensor({2}, {kBig, kBig}), 0), 1);
  const auto found = difference(Tensor::scalar(kBig + 1), Tensor::scalar(kBig), 0);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->position, "()");
  EXPECT_EQ(found->value, "9007199254740993");
  EXPECT_EQ(differing(Tensor({2}, {true, false}), Tensor({2}, {true, true}), 0), 1);
  EXPECT_EQ(differing(Tensor({0, 3}), Tensor({0, 3}), 0), 0);
}

TEST(Difference, TolerancesFollowThePrecision) {
  EXPECT_EQ(relative_tolerance(DType::int32, Precision::medium), 0);
  EXPECT_EQ(relative_tolerance(DType::float64, Precision::medium), relative_tolerance(DType::float64, Precision::high));
  EXPECT_LT(relative_tolerance(DType::float32, Precision::highest),
            relative_tolerance(DType::float32, Precision::high));
}

struct Outcome {
  std::vector<double> losses;
  std::vector<Tensor> weights;
};

// 60 images of 8 x 8, 7 steps of up to 16 of them in two epochs, and a validation pass after each.
Outcome train(bool validated) {
  const ScopedEnvironment scoped("KERATIN_VALIDATE", validated ? "1" : nullptr);
  Tensor x({60, 8, 8, 1}, DType::uint8), y({60}, DType::int32);
  for (std::size_t i = 0; i < 60 * 64; ++i) x.values<std::uint8_t>()[i] = static_cast<std::uint8_t>(i * 37 % 251);
  for (std::size_t i = 0; i < 60; ++i) y.values<std::int32_t>()[i] = static_cast<std::int32_t>(i % 3);
  set_random_seed(5);
  // Named: what Dropout draws depends on its path.
  Sequential model({Input({8, 8, 1}), Rescaling(1.0 / 255), Conv2D(4, {3, 3}, {.activation = "relu", .name = "edges"}),
                    MaxPooling2D({2, 2}, {.name = "shrink"}), BatchNormalization({.name = "normal"}), Flatten(),
                    Dropout(0.25, {.name = "dropout"}), Dense(12, {.activation = "relu", .name = "hidden"}),
                    Dense(3, {.activation = "softmax", .name = "classes"})},
                   {.name = "checked"});
  model.compile("adam", "sparse_categorical_crossentropy", {"accuracy"});
  const History history = model.fit(x, y, {.batch_size = 16, .epochs = 2, .verbose = 0, .validation_split = 0.2});
  Outcome outcome{history["loss"], model.get_weights()};
  for (const double loss : history["val_loss"]) outcome.losses.push_back(loss);
  return outcome;
}

void expect_equal(const Outcome& a, const Outcome& b) {
  EXPECT_EQ(a.losses, b.losses);
  ASSERT_EQ(a.weights.size(), b.weights.size());
  for (std::size_t i = 0; i < a.weights.size(); ++i) {
    EXPECT_EQ(a.weights[i].to_vector<float>(), b.weights[i].to_vector<float>());
  }
}

class Validation : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!have_modules()) GTEST_SKIP() << "a static build has no backend modules";
  }
};

TEST_F(Validation, ChangesNoNumber) {
  reference_device();
  const Outcome plain = train(false);
  ASSERT_EQ(plain.losses.size(), 4u);
  expect_equal(train(true), plain);
}

TEST_F(Validation, ASumThatCancelsIsNoFault) {
  reference_device();
  const ScopedEnvironment scoped("KERATIN_VALIDATE", "1");
  Tensor x({1, 4099});
  for (std::int64_t i = 0; i < 4099; ++i) {
    x.values<float>()[static_cast<std::size_t>(i)] = 1e4f * std::sin(static_cast<float>(i % 2 ? i : -i - 1));
  }
  EXPECT_NO_THROW(ops::sum(x, {1}).tensor());
  EXPECT_NO_THROW(ops::matmul(x, Tensor::full({4099, 2}, 1)).tensor());
}

TEST_F(Validation, NamesTheStepWithAWrongNumber) {
  const TemporaryFolder folder;
  std::filesystem::copy_file(fake_module_folder("wrong_number") + "/libkeratin_fake.so",
                             folder.path("libkeratin_wrong.so"));
  reference_device();
  {
    const ScopedEnvironment scoped("KERATIN_BACKEND_PATH", folder.path().c_str());
    open_device("wrong");
  }
  void* library = dlopen(folder.path("libkeratin_wrong.so").c_str(), RTLD_NOW | RTLD_NOLOAD);
  ASSERT_NE(library, nullptr);
  const auto set_wrong_op = reinterpret_cast<void (*)(const char*)>(dlsym(library, "keratin_fake_set_wrong_op"));
  ASSERT_NE(set_wrong_op, nullptr);
  const Outcome right = train(false);
  const DeviceScope device("wrong");
  set_wrong_op("");
  expect_equal(train(true), right);

  const struct {
    const char *op, *layer;
  } cases[] = {
      {"conv2d_pool", "shrink"}, {"max_pool2d_index_grad", "edges"}, {"dropout", "dropout"}, {"matmul_fused", "hidden"},
      {"softmax", "classes"},    {"conv2d_kernel_grad", "edges"},    {"batch_gather", ""},   {"adam_update", "kernel"}};
  for (const auto& c : cases) {
    SCOPED_TRACE(c.op);
    set_wrong_op(c.op);
    EXPECT_NO_THROW(train(false)) << "without validation nobody sees it";
    expect_error<BackendError>([] { train(true); },
                               {"plan 'train', step ", c.op, c.layer, "computed on wrong:0 by 'wrong copy of ",
                                "in 1 of ", "worst at (", "the reference has ", "apart, "});
  }
  set_wrong_op("");
}

// A process of its own: the reference is opened once.
[[noreturn]] void train_without_reference() {
  unsetenv("KERATIN_BACKEND_PATH");
  setenv("KERATIN_VALIDATE", "1", 1);
  try {
    ops::exp(Tensor({3})).tensor();
  } catch (const DeviceNotFound& error) {
    std::fprintf(stderr, "%s; cause %s\n", error.what(), error.cause().c_str());
    std::exit(3);
  }
  std::exit(0);
}

TEST_F(Validation, AMissingReferenceIsAnErrorWithTheWayOut) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(train_without_reference(), ::testing::ExitedWithCode(3),
              "KERATIN_VALIDATE=1 needs the reference backend: .*no module libkeratin_reference.so.*"
              "keratin_reference.*KERATIN_BACKEND_PATH; cause module_missing");
}

}  // namespace
}  // namespace keratin::testing
