// Training gives the same bits on any number of threads, with models whose kernels use several.
#include <gtest/gtest.h>

#include "tests/support/small_models.h"

namespace keratin {
namespace {

Model with_convolutions() {
  return Sequential({Input({28, 28, 1}), Conv2D(32, {3, 3}, {.activation = "relu"}), MaxPooling2D(),
                     Conv2D(64, {3, 3}, {.activation = "relu"}), MaxPooling2D(), Flatten(),
                     Dense(128, {.activation = "relu"}), Dropout(0.2), Dense(10, {.activation = "softmax"})});
}

Model with_a_residual_block() {
  const Value x = Input({16, 16, 3});
  Value y = Conv2D(16, {3, 3}, {.padding = "same", .use_bias = false})(x);
  y = ReLU()(BatchNormalization()(y));
  Value shortcut = Conv2D(32, {1, 1}, {.strides = {2, 2}})(y);
  y = DepthwiseConv2D({3, 3}, {.padding = "same"})(y);
  y = Conv2D(32, {3, 3}, {.strides = {2, 2}, .padding = "same"})(y);
  y = ReLU()(Add()({BatchNormalization()(y), shortcut}));
  return Model(x, Dense(10, {.activation = "softmax"})(GlobalAveragePooling2D()(y)));
}

Model with_an_lstm() { return Sequential({Input({20, 32}), LSTM(128), Dense(10, {.activation = "softmax"})}); }

TEST(Threads, DoNotChangeTheBitsOfTraining) {
  const DeviceScope scope("cpu");
  constexpr std::int64_t kSamples = 48;
  Tensor y({kSamples}, DType::int32);
  for (std::int64_t i = 0; i < kSamples; ++i)
    y.values<std::int32_t>()[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(i * 7 % 10);
  const int before = num_threads();
  const struct {
    const char* name;
    Model (*make)();
  } models[] = {
      {"convolutions", with_convolutions}, {"a residual block", with_a_residual_block}, {"an LSTM", with_an_lstm}};
  for (const auto& [name, make] : models) {
    std::vector<float> first;
    for (const int threads : {1, 2, 3}) {
      set_num_threads(threads);
      set_random_seed(4);
      Model model = make();
      model.compile("adam", "sparse_categorical_crossentropy");
      Shape shape = model.inputs()[0].shape();
      shape[0] = kSamples;
      Tensor x(shape);
      std::uint32_t bits = 1;
      for (float& value : x.values<float>()) {
        bits = bits * 1664525u + 1013904223u;
        value = static_cast<float>(bits >> 8) / 16777216.0f - 0.5f;
      }
      model.fit(x, y, {.batch_size = 32, .epochs = 1, .verbose = 0});
      const std::vector<float> weights = testing::all_weights(model);
      if (first.empty()) first = weights;
      EXPECT_TRUE(weights == first) << name << " on " << threads << " threads";
    }
  }
  set_num_threads(before);
}

}  // namespace
}  // namespace keratin
