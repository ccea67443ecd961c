#include "keratin/tools/bench/models.h"

namespace keratin::tools {
namespace {

Model dense() {
  return Sequential({Input({784}), Dense(128, {.activation = "relu"}), Dense(10, {.activation = "softmax"})});
}

// The case that tutorials compare CPU and GPU with.
Model tutorial() {
  return Sequential({Input({28, 28, 3}), Rescaling(1.0 / 255), Conv2D(32, {3, 3}, {.activation = "relu"}),
                     MaxPooling2D({2, 2}), Flatten(), Dense(10, {.activation = "softmax"})});
}

Model mnist_mlp() {
  return Sequential({Input({28, 28, 1}), Rescaling(1.0 / 255), Flatten(), Dense(128, {.activation = "relu"}),
                     Dense(10, {.activation = "softmax"})});
}

Model mnist_cnn() {
  return Sequential({Input({28, 28, 1}), Rescaling(1.0 / 255), Conv2D(32, {3, 3}, {.activation = "relu"}),
                     MaxPooling2D({2, 2}), Conv2D(64, {3, 3}, {.activation = "relu"}), MaxPooling2D({2, 2}), Flatten(),
                     Dense(128, {.activation = "relu"}), Dense(10, {.activation = "softmax"})});
}

Value convolution(Value x, std::int64_t filters, std::int64_t stride, bool relu) {
  x = Conv2D(filters, {3, 3}, {.strides = {stride, stride}, .padding = "same", .use_bias = false})(x);
  x = BatchNormalization()(x);
  return relu ? Activation("relu")(x) : x;
}

// Three stages of one residual block: the smallest of the family for 32x32 images.
Model resnet() {
  Input x({32, 32, 3});
  Value y = convolution(Rescaling(1.0 / 255)(x), 16, 1, true);
  for (const std::int64_t filters : {16, 32, 64}) {
    const std::int64_t stride = filters == 16 ? 1 : 2;
    Value shortcut = y;
    if (stride != 1) shortcut = Conv2D(filters, {1, 1}, {.strides = {stride, stride}, .use_bias = false})(y);
    y = convolution(convolution(y, filters, stride, true), filters, 1, false);
    y = Activation("relu")(Add()({y, shortcut}));
  }
  y = GlobalAveragePooling2D()(y);
  return Model(x, Dense(10, {.activation = "softmax"})(y));
}

}  // namespace

std::span<const BenchModel> bench_models() {
  static const BenchModel models[] = {
      {"dense", "Dense 128, Dense 10 on 784 inputs, 60000 samples", 60000, {784}, dense},
      {"tutorial", "Conv2D 32 3x3, MaxPooling, Flatten, Dense 10 on 28x28x3, 1000 images", 1000, {28, 28, 3}, tutorial},
      {"mnist_mlp", "the example mnist_mlp, 60000 images", 60000, {28, 28, 1}, mnist_mlp},
      {"mnist_cnn", "the example mnist_cnn, 60000 images", 60000, {28, 28, 1}, mnist_cnn},
      {"resnet", "ResNet-8 on 32x32x3, 50000 images", 50000, {32, 32, 3}, resnet},
  };
  return models;
}

std::pair<Tensor, Tensor> made_up_data(const BenchModel& model) {
  Shape shape = {model.samples};
  for (const std::int64_t size : model.sample) shape.push_back(size);
  // Any numbers will do: speed does not depend on them.
  std::uint32_t state = 12345;
  const auto next = [&state] { return (state = state * 1664525u + 1013904223u) >> 24; };
  Tensor x(shape, model.sample.rank() == 1 ? DType::float32 : DType::uint8);
  if (x.dtype() == DType::uint8) {
    for (std::uint8_t& value : x.values<std::uint8_t>()) value = static_cast<std::uint8_t>(next());
  } else {
    for (float& value : x.values<float>()) value = static_cast<float>(next()) / 255.0f;
  }
  Tensor y({model.samples}, DType::int32);
  for (std::int32_t& label : y.values<std::int32_t>()) label = static_cast<std::int32_t>(next() % 10);
  return {x, y};
}

}  // namespace keratin::tools
