#include "models.h"

#include <stdexcept>

#include "keratin/core/graph/node.h"

namespace keratin::benchmarks {
namespace {

Model mlp() {
  return Sequential({Input({28, 28, 1}), Rescaling(1.0 / 255), Flatten(), Dense(128, {.activation = "relu"}),
                     Dense(10, {.activation = "softmax"})});
}

Model cnn() {
  return Sequential({Input({28, 28, 1}), Rescaling(1.0 / 255), Conv2D(32, {3, 3}, {.activation = "relu"}),
                     MaxPooling2D({2, 2}), Conv2D(64, {3, 3}, {.activation = "relu"}), MaxPooling2D({2, 2}), Flatten(),
                     Dense(128, {.activation = "relu"}), Dense(10, {.activation = "softmax"})});
}

Model dense_layers(int count, std::int64_t units) {
  Sequential model({Input({28, 28, 1}), Rescaling(1.0 / 255), Flatten()});
  for (int i = 0; i < count; ++i) model.add(Dense(units, {.activation = "relu"}));
  model.add(Dense(10, {.activation = "softmax"}));
  return model;
}
Model wide() { return dense_layers(6, 1024); }
Model huge() { return dense_layers(13, 2048); }

Value convolution(const Value& x, std::int64_t filters, std::int64_t stride) {
  return BatchNormalization()(
      Conv2D(filters, {3, 3}, {.strides = {stride, stride}, .padding = "same", .use_bias = false})(x));
}

// He et al. 2015, section 4.2, n = 3: 6n + 2 layers. Where the sizes change the shortcut is a 1x1 convolution.
Model resnet20() {
  Input x({32, 32, 3});
  Value y = ReLU()(convolution(Rescaling(1.0 / 255)(x), 16, 1));
  for (const std::int64_t filters : {16, 32, 64}) {
    for (int block = 0; block < 3; ++block) {
      const std::int64_t stride = filters > 16 && block == 0 ? 2 : 1;
      Value shortcut = y;
      if (stride != 1) shortcut = Conv2D(filters, {1, 1}, {.strides = {stride, stride}, .use_bias = false})(y);
      y = convolution(ReLU()(convolution(y, filters, stride)), filters, 1);
      y = ReLU()(Add()({y, shortcut}));
    }
  }
  return Model(x, Dense(10, {.activation = "softmax"})(GlobalAveragePooling2D()(y)));
}

Model lstm() {
  return Sequential({Input({100, 32}), Rescaling(1.0 / 255), LSTM(128), Dense(10, {.activation = "softmax"})});
}

struct Entry {
  const char* name;
  Model (*make)();
};
constexpr Entry kModels[] = {{"mlp", mlp},           {"cnn", cnn},   {"wide", wide},
                             {"resnet20", resnet20}, {"lstm", lstm}, {"huge", huge}};

}  // namespace

const std::vector<std::string>& model_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> all;
    for (const Entry& entry : kModels) all.emplace_back(entry.name);
    return all;
  }();
  return names;
}

Model make_model(const std::string& name) {
  for (const Entry& entry : kModels) {
    if (entry.name == name) return entry.make();
  }
  throw std::invalid_argument("there is no model '" + name + "'");
}

std::pair<Tensor, Tensor> random_data(const Model& model, std::int64_t n) {
  const Shape& input = model.inputs().front().shape();
  Tensor x(Shape{n}.concat(input.slice(1, input.rank())), DType::uint8), y({n}, DType::uint8);
  // Any numbers will do: speed does not depend on them.
  std::uint32_t state = 12345;
  const auto next = [&state] { return static_cast<std::uint8_t>((state = state * 1664525u + 1013904223u) >> 24); };
  for (std::uint8_t& value : x.values<std::uint8_t>()) value = next();
  for (std::uint8_t& label : y.values<std::uint8_t>()) label = static_cast<std::uint8_t>(next() % 10);
  return {x, y};
}

Flops count_flops(const Model& model) {
  Flops flops;
  bool first = true;
  for (const NodePtr& node : topological_order(model.outputs())) {
    if (node->is_op()) continue;
    const std::string& name = node->layer()->name();
    const std::string kind = node->layer()->class_name();
    if (kind != "Dense" && kind != "Conv2D" && kind != "LSTM") continue;
    const auto weights = model.get_layer(name).trainable_variables();
    const auto products = [&](std::size_t i) { return 2 * static_cast<double>(weights[i].shape().size()); };
    const Shape& x = node->inputs().front().shape();
    const Shape& y = node->outputs().front().shape;
    const double places = kind == "Conv2D" ? static_cast<double>(y[1] * y[2])
                          : kind == "LSTM" ? static_cast<double>(x[1])
                                           : 1;
    const double forward = products(0) * places;
    flops.forward += forward;
    flops.training += (first ? 2 : 3) * forward;
    if (kind == "LSTM") {  // its state goes through a kernel, too, and needs a gradient always
      flops.forward += products(1) * places;
      flops.training += 3 * products(1) * places;
    }
    first = false;
  }
  return flops;
}

}  // namespace keratin::benchmarks
