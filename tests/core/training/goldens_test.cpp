// Losses, metrics, optimizers and schedules against Keras: tests/goldens/training.json.gz, which
// scripts/goldens/make_training_goldens.py writes. Every object is made from its configuration, as files hold it.
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "keratin/core/compiler/autodiff.h"
#include "keratin/core/compiler/eager.h"
#include "keratin/core/compiler/trace.h"
#include "keratin/core/training/detail/standard.h"
#include "keratin/core/training/registry.h"
#include "keratin/io/detail/json_config.h"
#include "tests/support/expect_error.h"
#include "tests/support/golden_file.h"

namespace keratin {
namespace {

using Json = nlohmann::ordered_json;
using testing::expect_error;

const Json& goldens() {
  static const Json json = Json::parse(testing::read_golden("training"));
  return json;
}

Tensor tensor_of(const Json& json) {
  Tensor result(Shape(json["shape"].get<std::vector<std::int64_t>>()), DType::float64);
  const auto values = json["values"].get<std::vector<double>>();
  std::copy(values.begin(), values.end(), result.values<double>().begin());
  return result.astype(json["dtype"] == "int32" ? DType::int32 : DType::float32);
}

std::vector<double> numbers_of(const Tensor& tensor) {
  const Tensor doubles = tensor.astype(DType::float64);
  return {doubles.values<double>().begin(), doubles.values<double>().end()};
}

void expect_near(const std::vector<double>& actual, const std::vector<double>& expected, double tolerance,
                 const std::string& what) {
  ASSERT_EQ(actual.size(), expected.size()) << what;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_LE(std::abs(actual[i] - expected[i]), tolerance * (1 + std::abs(expected[i])))
        << what << ", element " << i << ": " << actual[i] << ", not " << expected[i];
  }
}

// The object a file would hold, and the same again from its own configuration.
template <class Make>
auto made(const Json& object, Make make) {
  ConfigProblems problems;
  auto first = make(detail::parse_json(object.dump()), "golden", problems);
  EXPECT_TRUE(problems.empty()) << problems.text();
  return first;
}

template <class T>
void expect_all_covered(std::span<const StandardClass<T>> classes, const Json& cases, const char* kind) {
  std::set<std::string> seen = {"MeanMetricWrapper"};  // Keras 2's name for any of the others
  for (const Json& golden : cases) seen.insert(golden["object"]["class_name"].get<std::string>());
  for (const StandardClass<T>& known : classes) {
    EXPECT_TRUE(seen.contains(std::string(known.class_name)))
        << "the " << kind << " " << known.class_name
        << " has no golden; add a case to scripts/goldens/make_training_goldens.py";
  }
}

TEST(TrainingGoldens, EveryClassHasOne) {
  expect_all_covered(detail::standard_losses(), goldens()["losses"], "loss");
  expect_all_covered(detail::standard_metrics(), goldens()["metrics"], "metric");
  expect_all_covered(detail::standard_optimizers(), goldens()["optimizers"]["cases"], "optimizer");
  expect_all_covered(detail::standard_schedules(), goldens()["schedules"]["cases"], "schedule");
}

TEST(TrainingGoldens, Losses) {
  for (const Json& golden : goldens()["losses"]) {
    const std::string what = golden["object"].dump();
    const auto loss = made(golden["object"], make_loss);
    ASSERT_TRUE(loss.has_value()) << what;
    ConfigProblems problems;
    const auto again = make_loss(loss->config(), "again", problems);
    ASSERT_TRUE(again.has_value()) << problems.text();
    EXPECT_EQ(again->config().to_json(), loss->config().to_json());
    const Tensor y = tensor_of(golden["y"]), p = tensor_of(golden["p"]);
    Value weight;
    if (golden.contains("weight")) weight = tensor_of(golden["weight"]);
    const VariablePtr variable = Variable("p", p.shape()).state();
    variable->set_value(p);
    const Value value = (*loss)(y, read(variable), weight);
    expect_near(numbers_of(value.tensor()), numbers_of(tensor_of(golden["value"])), 2e-5, what + " value");
    const Value gradient = gradients(value.rank() == 0 ? value : ops::sum(value), std::span(&variable, 1)).front();
    expect_near(numbers_of(gradient.tensor()), numbers_of(tensor_of(golden["gradient"])), 1e-4, what + " gradient");
  }
}

TEST(TrainingGoldens, Metrics) {
  for (const Json& golden : goldens()["metrics"]) {
    const std::string what = golden["object"].dump();
    const auto metric = made(golden["object"], make_metric);
    ASSERT_TRUE(metric.has_value()) << what;
    ConfigProblems problems;
    const auto again = make_metric(metric->config(), "again", problems);
    ASSERT_TRUE(again.has_value()) << problems.text();
    EXPECT_EQ(again->config().to_json(), metric->config().to_json());
    for (const Json& update : golden["updates"]) {
      Values values;
      for (const Json& each : update) values.push_back(tensor_of(each));
      values.resize(3);
      metric->update_state(values[0], values[1], values[2]);
    }
    expect_near(metric->results(), numbers_of(tensor_of(golden["result"])), 2e-5, what);
  }
}

TEST(TrainingGoldens, Optimizers) {
  const Json& all = goldens()["optimizers"];
  for (const Json& golden : all["cases"]) {
    const std::string what = golden["object"].dump();
    const auto optimizer = made(golden["object"], make_optimizer);
    ASSERT_TRUE(optimizer.has_value()) << what;
    std::vector<Variable> variables = {Variable("kernel", {2, 3}), Variable("bias", {3})};
    for (std::size_t i = 0; i < 2; ++i) variables[i].assign(tensor_of(all["start"][i]));
    (*optimizer)->build(variables);
    for (const Json& step : all["gradients"]) {
      Values gradients;
      for (const Json& gradient : step) gradients.push_back(tensor_of(gradient));
      TraceContext trace(Phase::train, nullptr, 0);
      std::vector<VariablePtr> written;
      Values values;
      // A fused update stands for its assigns.
      for (const NodePtr& node : (*optimizer)->apply(trace, variables, gradients)) {
        Values assigns = {node->is(kAssign) ? node->output() : Value()};
        if (!assigns[0]) assigns = node->op().decompose(*node, node->inputs());
        for (const Value& assign : assigns) {
          written.push_back(assign.node()->attrs_as<AssignAttrs>().variable);
          values.push_back(assign.node()->input(0));
        }
      }
      for (const auto& [variable, value] : trace.assigned()) {
        written.push_back(variable);
        values.push_back(value);
      }
      const std::vector<Tensor> results = evaluate(values);
      for (std::size_t i = 0; i < results.size(); ++i) written[i]->set_value(results[i]);
    }
    for (std::size_t i = 0; i < 2; ++i) {
      expect_near(numbers_of(variables[i].value()), numbers_of(tensor_of(golden["variables"][i])), 2e-5, what);
    }
    const std::vector<Variable> state = (*optimizer)->variables();
    ASSERT_EQ(state.size(), golden["state"].size()) << what;
    for (std::size_t i = 0; i < state.size(); ++i) {
      EXPECT_EQ(state[i].shape(), tensor_of(golden["state"][i]).shape()) << what << " " << state[i].path();
      expect_near(numbers_of(state[i].value()), numbers_of(tensor_of(golden["state"][i])), 2e-5,
                  what + " " + state[i].path());
    }
  }
}

TEST(TrainingGoldens, Schedules) {
  const Json& all = goldens()["schedules"];
  for (const Json& golden : all["cases"]) {
    const auto schedule = made(golden["object"], make_schedule);
    ASSERT_TRUE(schedule.has_value());
    std::vector<double> rates;
    for (const Json& step : all["steps"]) rates.push_back(schedule->at(step.get<std::int64_t>()));
    expect_near(rates, golden["values"].get<std::vector<double>>(), 1e-6, golden["object"].dump());
  }
}

TEST(TrainingNames, AreKerass) {
  EXPECT_EQ(Loss("kld").name(), "kl_divergence");
  EXPECT_EQ(Loss("MAPE").name(), "mean_absolute_percentage_error");
  EXPECT_EQ(Metric("mse").name(), "mse");
  EXPECT_EQ(Metric("AUC").name(), "AUC");
  EXPECT_EQ(Optimizer("Nadam")->name(), "nadam");
  EXPECT_EQ(Optimizer("ADAMW")->class_name(), "AdamW");
  expect_error<InvalidArgument>([] { Loss("hinges"); }, {"unknown loss", "hinge"});
  expect_error<InvalidArgument>([] { Metric("recal"); }, {"unknown metric", "recall"});
  expect_error<InvalidArgument>([] { Optimizer("adamm"); }, {"unknown optimizer", "adam"});
  expect_error<InvalidArgument>([] { Metric("mean_io_u"); }, {"num_classes", "is missing"});
}

TEST(TrainingOptions, AreChecked) {
  expect_error<InvalidArgument>([] { losses::MeanSquaredError({.reduction = "avg"}); }, {"reduction", "avg"});
  expect_error<InvalidArgument>([] { metrics::Precision({.thresholds = {2.0}}); }, {"Precision", "[0, 1]"});
  expect_error<InvalidArgument>([] { metrics::AUC({.curve = "ROCK"}); }, {"AUC", "curve", "ROC"});
  expect_error<InvalidArgument>([] { metrics::IoU(3, {3}); }, {"IoU", "target_class_ids"});
  expect_error<InvalidArgument>([] { metrics::F1Score({.threshold = 0.0}); }, {"F1Score", "threshold"});
  expect_error<InvalidArgument>([] { optimizers::Lion({.beta_1 = 0}); }, {"Lion", "beta_1"});
  expect_error<InvalidArgument>([] { optimizers::SGD({.gradient_accumulation_steps = 1}); }, {"SGD", "at least 2"});
  Sequential model({Input({2}), Dense(2)});
  expect_error<InvalidArgument>([&] { model.compile("sgd", losses::MeanSquaredError({.reduction = "none"})); },
                                {"compile", "none"});
}

// What is written into fit: numbered numbers in logs, averages at the end, weights that do not decay.
TEST(TrainingOptions, ShowInFit) {
  Sequential model({Input({2}), Dense(3, {.activation = "softmax"})});
  Optimizer optimizer = optimizers::SGD({.learning_rate = 0.1, .weight_decay = 0.5, .use_ema = true});
  optimizer->exclude_from_weight_decay({}, {"bias"});
  model.compile(optimizer, "categorical_crossentropy", {metrics::F1Score(), metrics::AUC({.multi_label = true})});
  const Tensor x({4, 2}, {0.5f, -1.0f, 1.5f, 0.25f, -0.5f, 1.0f, 2.0f, -2.0f});
  const Tensor y = ops::one_hot(Tensor({4}, {0, 1, 2, 0}), 3);
  const History history = model.fit(x, y, {.batch_size = 2, .epochs = 2, .verbose = 0});
  for (const char* name : {"loss", "f1_score[0]", "f1_score[2]", "auc"}) EXPECT_EQ(history[name].size(), 2u) << name;
  for (const Variable& variable : model.trainable_variables()) {
    EXPECT_EQ(numbers_of(variable.value()), numbers_of(optimizer->average_of(variable).value())) << variable.path();
  }
  expect_error<InvalidArgument>([&] { optimizer->exclude_from_weight_decay({}); }, {"before"});
}

}  // namespace
}  // namespace keratin
