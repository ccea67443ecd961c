// Configurations and back: every layer, initialiser, regulariser, constraint, loss, metric, optimizer and schedule.
#include "keratin/core/model/registry.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include "keratin/core/tensor/errors.h"
#include "keratin/core/training/registry.h"
#include "keratin/layers/layers.h"
#include "tests/layers/golden_layers.h"
#include "tests/support/expect_error.h"
#include "tests/support/source_path.h"

namespace keratin {
namespace {

using testing::expect_error;

std::string round_trip(const Layer& layer) { return layer_from_config(layer.config()).config().to_json(); }

TEST(LayerRegistry, EveryLayerComesBackFromItsConfiguration) {
  for (const auto& [name, layer] : testing::golden_layers()) {
    SCOPED_TRACE(name);
    EXPECT_EQ(round_trip(layer), layer.config().to_json());
  }
  const Dense frozen(3, {.name = "frozen", .trainable = false});
  EXPECT_EQ(round_trip(frozen), frozen.config().to_json());
  const Input ids({-1, 3}, {.batch_size = 4, .dtype = DType::int32, .name = "ids"});
  EXPECT_EQ(round_trip(ids), ids.config().to_json());
}

// Reads the headers: a public layer that cannot be made from its configuration fails here.
TEST(LayerRegistry, EveryPublicLayerIsInTheTableAndInTheTableOfGoldens) {
  std::set<std::string> known, with_golden = {"InputLayer"};
  for (const auto& entry : standard_layers()) known.insert(std::string(entry.class_name));
  for (const auto& [name, layer] : testing::golden_layers()) with_golden.insert(layer.class_name());
  const std::regex declaration("\nclass (\\w+) : public Layer \\{");
  int found = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(testing::source_path("layers"))) {
    if (entry.path().extension() != ".h") continue;
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    for (std::sregex_iterator match(text.begin(), text.end(), declaration), end; match != end; ++match) {
      const std::string name = (*match)[1] == "Input" ? "InputLayer" : (*match)[1].str();
      EXPECT_TRUE(known.contains(name)) << name << " is missing in layers/standard_layers.cpp";
      EXPECT_TRUE(with_golden.contains(name)) << name << " is missing in tests/layers/golden_layers.cpp";
      ++found;
    }
  }
  EXPECT_EQ(found, static_cast<int>(known.size()));
}

TEST(LayerRegistry, EverythingThatCannotBeUsedIsNamed) {
  Config config("keras.layers", "Conv2D");
  config.set("name", "c1").set("filters", "many").set("kernel_size", ConfigValue::List{3, 3});
  config.set("data_format", "channels_first").set("lora_rank", 4).set("activation", "rellu");
  config.set("kernel_initializer", Config("keras.initializers", "Magic")).set("dtype", "float16");
  expect_error<InvalidArgument>([&] { layer_from_config(config); },
                                {"'c1' (Conv2D): filters: expected a whole number", "data_format", "channels_first",
                                 "lora_rank", "did you mean 'relu'", "initializer class 'Magic'", "dtype"});
  expect_error<InvalidArgument>([] { layer_from_config(Config("keras.layers", "Dens")); }, {"did you mean 'Dense'"});
  expect_error<InvalidArgument>([] { layer_from_config(Config("theirs", "Dense")); }, {"'theirs>Dense'", "register"});
  expect_error<InvalidArgument>([] { layer_from_config(Config("keras.layers", "Dense")); }, {"units", "missing"});
  expect_error<InvalidArgument>(
      [] {
        Config config("keras.layers", "Dense");
        layer_from_config(config.set("units", -3));
      },
      {"units must be positive"});
}

TEST(LayerRegistry, KerasTwosWaysAreUnderstood) {
  Config leaky("keras.layers", "LeakyReLU");
  leaky.set("alpha", 0.25);
  EXPECT_NE(round_trip(layer_from_config(leaky)).find("\"negative_slope\": 0.25"), std::string::npos);
  Config norm("keras.layers", "BatchNormalization");
  norm.set("axis", ConfigValue::List{3}).set("dtype", "float32");
  EXPECT_NE(layer_from_config(norm).config().to_json().find("\"axis\": 3"), std::string::npos);
}

TEST(Registry, InitializersRegularizersAndConstraints) {
  for (const Initializer& initializer :
       {initializers::GlorotUniform({.seed = 3}), initializers::GlorotNormal(), initializers::HeUniform(),
        initializers::HeNormal(), initializers::LecunUniform(), initializers::LecunNormal(),
        initializers::RandomUniform({.minval = -1, .maxval = 2}), initializers::RandomNormal({.mean = 1}),
        initializers::TruncatedNormal({.stddev = 2}), initializers::VarianceScaling({.scale = 2, .mode = "fan_out"}),
        initializers::Orthogonal({.gain = 2}), initializers::Zeros(), initializers::Ones(), initializers::Constant(2),
        initializers::Identity(3)}) {
    const Dense dense(2, {.kernel_initializer = initializer});
    EXPECT_EQ(round_trip(dense), dense.config().to_json());
  }
  for (const Regularizer& regularizer : {regularizers::L1(0.5), regularizers::L2(0.25), regularizers::L1L2(1, 2)}) {
    const Dense dense(2, {.bias_regularizer = regularizer});
    EXPECT_EQ(round_trip(dense), dense.config().to_json());
  }
  for (const Constraint& constraint : {constraints::MaxNorm(3, 1), constraints::NonNeg(), constraints::UnitNorm(1),
                                       constraints::MinMaxNorm(0.5, 2, 0.75, 1)}) {
    const Dense dense(2, {.kernel_constraint = constraint});
    EXPECT_EQ(round_trip(dense), dense.config().to_json());
  }
}

template <class T, class Make>
void expect_round_trip(const std::vector<T>& objects, Make make) {
  for (const T& object : objects) {
    ConfigProblems problems;
    const ConfigValue config = object.config();
    const auto again = make(config, "compile", problems);
    EXPECT_TRUE(problems.empty()) << problems.text();
    ASSERT_TRUE(again.has_value()) << config.to_json();
    EXPECT_EQ(ConfigValue(again->config()).to_json(), config.to_json());
  }
}

TEST(Registry, Losses) {
  expect_round_trip<Loss>({"mse", "mae", losses::Huber(2), losses::BinaryCrossentropy({.label_smoothing = 0.25}),
                           losses::CategoricalCrossentropy({.from_logits = true}),
                           losses::SparseCategoricalCrossentropy({.from_logits = true})},
                          make_loss);
}

TEST(Registry, Metrics) {
  expect_round_trip<Metric>(
      {"accuracy", "acc", "crossentropy", "ce", "mse", "mean_absolute_error", metrics::BinaryAccuracy("b", 0.25),
       metrics::CategoricalAccuracy("c"), metrics::SparseCategoricalAccuracy(), metrics::TopKCategoricalAccuracy(3),
       metrics::SparseTopKCategoricalAccuracy(2), metrics::RootMeanSquaredError(),
       metrics::BinaryCrossentropy("x", true), metrics::CategoricalCrossentropy(),
       metrics::SparseCategoricalCrossentropy()},
      make_metric);
}

struct OptimizerConfig {
  Optimizer optimizer;
  Config config() const { return optimizer->config(); }
};
TEST(Registry, OptimizersAndSchedules) {
  std::vector<OptimizerConfig> optimizers = {
      {"sgd"},
      {"adam"},
      {"adamw"},
      {"rmsprop"},
      {optimizers::SGD({.learning_rate = 0.5, .momentum = 0.9, .nesterov = true, .clipnorm = 1})},
      {optimizers::Adam({.beta_1 = 0.5, .weight_decay = 0.125, .clipvalue = 2, .name = "mine"})},
      {optimizers::AdamW({.weight_decay = 0.5, .global_clipnorm = 3})},
      {optimizers::RMSprop({.rho = 0.5, .momentum = 0.25, .epsilon = 1e-3})}};
  for (const Schedule& schedule :
       {schedules::ExponentialDecay(0.5, 10, 0.9, {.staircase = true}), schedules::InverseTimeDecay(0.5, 10, 0.9),
        schedules::PiecewiseConstantDecay({2, 5}, {1.0, 0.5, 0.25}),
        schedules::PolynomialDecay(0.5, 10, {.cycle = true}),
        schedules::CosineDecay(0.5, 10, {.warmup_target = 1.0, .warmup_steps = 3}), schedules::CosineDecay(0.5, 10),
        schedules::CosineDecayRestarts(0.5, 10, {.t_mul = 1.5})}) {
    optimizers.push_back({optimizers::SGD({.learning_rate = schedule})});
  }
  for (const OptimizerConfig& object : optimizers) {
    ConfigProblems problems;
    const auto again = make_optimizer(object.config(), "compile", problems);
    EXPECT_TRUE(problems.empty()) << problems.text();
    ASSERT_TRUE(again.has_value());
    EXPECT_EQ((*again)->config().to_json(), object.config().to_json());
  }
}

TEST(Registry, WhatTrainingCannotUseIsNamed) {
  ConfigProblems problems;
  Config adam("keras.optimizers", "Adam");
  adam.set("amsgrad", "yes").set("use_ema", 3).set("jumps", true);
  adam.set("learning_rate", Config("keras.optimizers.schedules", "Nonsense"));
  EXPECT_FALSE(make_optimizer(adam, "optimizer", problems));
  EXPECT_FALSE(make_loss("msee", "loss", problems));
  EXPECT_FALSE(make_metric(ConfigValue(3), "metrics", problems));
  EXPECT_EQ(problems.size(), 6u) << problems.text();
}

class ScaleLayer final : public LayerImpl {
 public:
  ScaleLayer(double factor, std::string name) : LayerImpl("Scale", std::move(name)), factor_(factor) {}
  static Layer from_config(ConfigReader& c) {
    const double factor = c.number("factor");
    return Custom<ScaleLayer>(factor, c.name());
  }
  Config config() const override { return LayerImpl::config().set("factor", factor_); }
  using LayerImpl::call;
  Value call(Value x, CallContext&) override { return x * factor_; }

 private:
  double factor_;
};

TEST(Registry, ClassesOfTheUser) {
  Custom<ScaleLayer> scale(2.5, "twice");
  EXPECT_FALSE(is_known_layer(scale.impl()));
  register_layer<ScaleLayer>("zoo", "Scale");
  EXPECT_TRUE(is_known_layer(scale.impl()));
  const std::string json = scale.config().to_json();
  EXPECT_NE(json.find("\"registered_name\": \"zoo>Scale\""), std::string::npos) << json;
  EXPECT_EQ(round_trip(scale), json);
  scale.set_trainable(false);
  EXPECT_FALSE(layer_from_config(scale.config()).trainable());

  register_regularizer("zoo", "Big", [](ConfigReader& c) {
    const double factor = c.number("factor");
    return Regularizer([factor](const Value& w) { return ops::sum(w) * factor; },
                       Config("zoo", "Big").set("factor", factor));
  });
  const Dense dense(2, {.kernel_regularizer =
                            Regularizer([](const Value& w) { return w; }, Config("zoo", "Big").set("factor", 3.5))});
  EXPECT_EQ(round_trip(dense), dense.config().to_json());

  register_loss("zoo", "Quantile", [](ConfigReader& c) {
    const double q = c.number("q");
    return Loss(
        [q](const Value& y, const Value& p) { return ops::mean(ops::maximum((y - p) * q, (p - y) * (1 - q)), {-1}); },
        "quantile", Config("zoo", "Quantile").set("q", q));
  });
  ConfigProblems problems;
  EXPECT_TRUE(make_loss(Config("zoo", "Quantile").set("q", 0.9), "loss", problems)) << problems.text();
  expect_error<InvalidArgument>([] { register_layer<ScaleLayer>("a>b", "Scale"); }, {"'>'"});
}

}  // namespace
}  // namespace keratin
