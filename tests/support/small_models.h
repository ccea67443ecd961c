// Small models and data for the training tests: three classes of 8 numbers that a perceptron learns in a few epochs.
#pragma once

#include <cmath>

#include "keratin/keratin.h"

namespace keratin::testing {

struct SmallData {
  Tensor x, y;  // float32 (n, 8), int32 (n,)
};

inline SmallData small_data(std::int64_t n) {
  SmallData data{Tensor({n, 8}), Tensor({n}, DType::int32)};
  auto x = data.x.values<float>();
  auto y = data.y.values<std::int32_t>();
  for (std::int64_t i = 0; i < n; ++i) {
    const auto label = static_cast<std::int32_t>(i * 7 % 3);
    y[static_cast<std::size_t>(i)] = label;
    for (std::int64_t j = 0; j < 8; ++j) {
      // Noise that is the same on every machine, around a centre for each class.
      const auto noise = static_cast<float>((i * 131 + j * 37 + i * j) % 97) / 97.0f - 0.5f;
      x[static_cast<std::size_t>(i * 8 + j)] = noise + (j % 3 == label ? 1.0f : 0.0f);
    }
  }
  return data;
}

inline Sequential small_model(std::uint64_t seed = 3) {
  set_random_seed(seed);
  return Sequential({Input({8}), Dense(16, {.activation = "relu"}), Dense(3, {.activation = "softmax"})});
}

inline Sequential compiled_model(std::uint64_t seed = 3) {
  Sequential model = small_model(seed);
  model.compile("adam", "sparse_categorical_crossentropy", {"accuracy"});
  return model;
}

inline std::vector<float> all_weights(const Model& model) {
  std::vector<float> result;
  for (const Tensor& weight : model.get_weights()) {
    const auto values = weight.astype(DType::float32).to_vector<float>();
    result.insert(result.end(), values.begin(), values.end());
  }
  return result;
}

}  // namespace keratin::testing
