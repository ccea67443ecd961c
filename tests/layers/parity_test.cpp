// Training and evaluation follow Keras: tests/goldens/parity.json.gz, which scripts/goldens/make_parity_goldens.py
// writes.
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "keratin/keratin.h"
#include "tests/support/golden_file.h"

namespace keratin {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::int64_t kRows = 16;

const Json& goldens() {
  static const Json json = Json::parse(testing::read_golden("parity"));
  return json;
}

// Numbers in [-1, 1): the upper 24 bits of a linear congruential generator, as in the script.
class Stream {
 public:
  explicit Stream(std::size_t seed) : state_(static_cast<std::uint32_t>(seed)) {}
  Tensor numbers(const Shape& shape, double scale = 1) {
    Tensor result(shape);
    for (float& x : result.values<float>()) x = next() * static_cast<float>(scale);
    return result;
  }
  Tensor classes(const Shape& shape, int count) {
    Tensor result(shape, DType::int32);
    for (auto& x : result.values<std::int32_t>()) {
      x = static_cast<std::int32_t>((static_cast<double>(next()) + 1) / 2 * count);
    }
    return result;
  }

 private:
  float next() {
    state_ = 1664525u * state_ + 1013904223u;
    return static_cast<float>(state_ >> 8) / static_cast<float>(1 << 23) - 1;
  }
  std::uint32_t state_;
};

void draw_weights(Model& model, Stream& stream) {
  std::vector<Tensor> weights = model.get_weights();
  for (Tensor& weight : weights) {
    const Shape& shape = weight.shape();
    if (shape.rank() < 2) continue;
    weight = stream.numbers(shape, std::sqrt(3.0 / static_cast<double>(shape.slice(0, -1).size())));
  }
  model.set_weights(weights);
}

Model resnet() {
  const Input x({8, 8, 2});
  const auto conv = [](std::int64_t filters, std::int64_t kernel, std::int64_t strides, const Value& v) {
    return BatchNormalization()(
        Conv2D(filters, {kernel, kernel}, {.strides = {strides, strides}, .padding = "same", .use_bias = false})(v));
  };
  Value y = ReLU()(conv(6, 3, 1, x));
  for (const auto& [filters, strides] : std::vector<std::pair<std::int64_t, std::int64_t>>{{6, 1}, {8, 2}}) {
    const Value z = conv(filters, 3, 1, ReLU()(conv(filters, 3, strides, y)));
    if (strides > 1) y = conv(filters, 1, strides, y);
    y = ReLU()(Add()({y, z}));
  }
  return Model(x, Dense(5, {.activation = "softmax"})(GlobalAveragePooling2D()(y)));
}

// Embeddings of ids and positions would need two inputs; here the steps are numbers already.
Model transformer() {
  const Input x({7, 4});
  const Value embedded = Dense(8)(x);
  Value y = LayerNormalization()(Add()({embedded, MultiHeadAttention(2, 4)({embedded, embedded})}));
  const Value wider = Dense(16, {.activation = "gelu"})(y);
  y = LayerNormalization()(Add()({y, Dense(8)(wider)}));
  y = LayerNormalization()(Add()({y, MultiHeadAttention(2, 4)({y, y}, {.use_causal_mask = true})}));
  return Model(x, Dense(5, {.activation = "softmax"})(Flatten()(y)));
}

struct Row {
  std::string name;
  Model model;
  Shape shape;  // of a sample
};
std::vector<Row> rows() {
  return {
      {"mlp", Sequential({Input({12}), Dense(16, {.activation = "relu"}), Dense(5, {.activation = "softmax"})}), {12}},
      {"cnn",
       Sequential({Input({8, 8, 2}), Conv2D(6, {3, 3}, {.activation = "relu"}), MaxPooling2D(),
                   Conv2D(8, {2, 2}, {.padding = "same", .activation = "relu"}), Flatten(),
                   Dense(5, {.activation = "softmax"})}),
       {8, 8, 2}},
      {"resnet", resnet(), {8, 8, 2}},
      {"lstm", Sequential({Input({7, 4}), LSTM(12), Dense(5, {.activation = "softmax"})}), {7, 4}},
      {"transformer", transformer(), {7, 4}},
      {"gru_masked",
       Sequential({Input({7, 4}), Masking(), Bidirectional(GRU(6, {.return_sequences = true})), LSTM(8),
                   Dense(5, {.activation = "softmax"})}),
       {7, 4}},
  };
}

TEST(Parity, TwentyStepsOfAdamHaveKerasLosses) {
  std::size_t found = 0;
  for (Row& row : rows()) {
    SCOPED_TRACE(row.name);
    Stream stream(row.name.size());
    draw_weights(row.model, stream);
    row.model.compile(optimizers::Adam({.learning_rate = 0.01}), "sparse_categorical_crossentropy");
    const auto expected = goldens()["losses"].at(row.name).get<std::vector<double>>();
    ++found;
    for (std::size_t step = 0; step < expected.size(); ++step) {
      Tensor x = stream.numbers(Shape{kRows}.concat(row.shape));
      const Tensor y = stream.classes({kRows}, 5);
      if (row.name.ends_with("masked")) {
        for (std::size_t i = 0; i < static_cast<std::size_t>(kRows); ++i) {
          const auto values = x.values<float>().subspan(i * 28, 28);
          std::fill(values.begin() + static_cast<std::ptrdiff_t>((7 - (i + step) % 6) * 4), values.end(), 0.0f);
        }
      }
      const double loss = row.model.train_on_batch(x, y)["loss"];
      EXPECT_NEAR(loss, expected[step], 1e-4 * expected[step]) << "step " << step;
    }
  }
  EXPECT_EQ(found, goldens()["losses"].size()) << "a golden without a row";
}

TEST(Parity, MasksCountInLossesAndMetricsAsInKeras) {
  using losses::SparseCategoricalCrossentropy;
  struct Case {
    std::string name;
    Loss loss;
    std::vector<Metric> metrics;
    bool weighted = false;
  };
  const std::vector<Case> cases = {
      {"mean", SparseCategoricalCrossentropy(), {"accuracy"}},
      {"weighted", SparseCategoricalCrossentropy(), {"sparse_categorical_crossentropy"}, true},
      {"sum", SparseCategoricalCrossentropy({.reduction = "sum"}), {metrics::SparseCategoricalAccuracy()}},
      {"mean_with_sample_weight", SparseCategoricalCrossentropy({.reduction = "mean_with_sample_weight"}), {}},
      {"ignore_class", SparseCategoricalCrossentropy({.ignore_class = 2}), {metrics::SparseTopKCategoricalAccuracy(2)}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    Stream stream(7);
    Sequential model({Input({6}, {.dtype = DType::int32}), Embedding(9, 4, {.mask_zero = true}),
                      SimpleRNN(5, {.return_sequences = true}), Dropout(0.0),
                      TimeDistributed(Dense(5, {.activation = "softmax"}))});
    draw_weights(model, stream);
    Tensor ids = stream.classes({kRows, 6}, 9);
    const Tensor y = stream.classes({kRows, 6}, 5);
    for (std::size_t i = 0; i < static_cast<std::size_t>(kRows); ++i) {
      const auto values = ids.values<std::int32_t>().subspan(i * 6, 6);
      std::fill(values.begin() + static_cast<std::ptrdiff_t>(6 - i % 6), values.end(), 0);
    }
    BatchOptions options;
    if (c.weighted) {
      options.sample_weight = stream.numbers({kRows});
      for (float& x : options.sample_weight.values<float>()) x += 1;
    }
    CompileArguments arguments;
    (c.weighted ? arguments.weighted_metrics : arguments.metrics) = c.metrics;
    model.compile("sgd", std::vector<Loss>{c.loss}, arguments);
    std::vector<double> results;
    for (const auto& [name, value] : model.test_on_batch(ids, y, options)) results.push_back(value);
    const auto expected = goldens()["masked"].at(c.name).get<std::vector<double>>();
    ASSERT_EQ(results.size(), expected.size());
    for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(results[i], expected[i], 1e-5 * (1 + expected[i]));
  }
  EXPECT_EQ(cases.size(), goldens()["masked"].size());
}

}  // namespace
}  // namespace keratin
