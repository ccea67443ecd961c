// Layers and activations against Keras: configurations, outputs, gradients, statistics (tests/goldens).
#include <cmath>
#include <nlohmann/json.hpp>
#include <ostream>
#include <set>

#include "keratin/core/model/activation.h"
#include "keratin/core/model/registry.h"
#include "keratin/core/training/model.h"
#include "keratin/layers/activations/activation.h"
#include "keratin/layers/core/input.h"
#include "keratin/layers/core/masking.h"
#include "tests/layers/golden_layers.h"
#include "tests/support/golden_file.h"
#include "tests/support/layer_program.h"
#include "tests/support/op_runner.h"

namespace keratin {
namespace {

using Json = nlohmann::ordered_json;  // the order of keys counts
using testing::LayerProgram;
using testing::LayerResult;

const Json& goldens() {
  static const Json json = [] {
    Json all = Json::parse(testing::read_golden("layers"));
    for (const char* more : {"recurrent", "attention"}) {
      Json layers = Json::parse(testing::read_golden(more))["layers"];
      for (Json& layer : layers) all["layers"].push_back(std::move(layer));
    }
    return all;
  }();
  return json;
}

Tensor tensor_of(const Json& json, DType dtype) {
  Tensor result(Shape(json["shape"].get<std::vector<std::int64_t>>()), DType::float64);
  const auto values = json["values"].get<std::vector<double>>();
  EXPECT_EQ(values.size(), static_cast<std::size_t>(result.size()));
  std::copy(values.begin(), values.end(), result.values<double>().begin());
  return result.astype(dtype);
}

void expect_near(const Tensor& actual, const Json& golden, double tolerance, const std::string& what) {
  const Tensor expected = tensor_of(golden, DType::float64);
  // No gradient flowed: a golden of zeros.
  const Tensor got = actual.defined() ? actual.astype(DType::float64) : Tensor(expected.shape(), DType::float64);
  ASSERT_EQ(got.shape(), expected.shape()) << what;
  for (std::size_t i = 0; i < expected.values<double>().size(); ++i) {
    const double a = got.values<double>()[i], b = expected.values<double>()[i];
    ASSERT_LE(std::abs(a - b), tolerance * (1 + std::abs(b)))
        << what << ", element " << i << ": " << a << ", not " << b;
  }
}

// A device, the dtype of the inputs and how near the results must come.
struct Setting {
  const char* device;
  DType dtype;
  double tolerance;
};
// Otherwise GoogleTest prints its bytes, padding and all, which valgrind takes ill.
void PrintTo(const Setting& setting, std::ostream* out) { *out << setting.device; }

void check_phase(const Json& golden, const Layer& layer, const std::vector<Tensor>& inputs, const Tensor& cotangent,
                 Phase phase, const Setting& setting) {
  std::vector<Spec> specs;
  for (const Tensor& input : inputs) specs.push_back({input.shape(), input.dtype()});
  LayerProgram program(layer, specs, phase, testing::device_if_there(setting.device));
  // An embedding of ids is as precise as its weights.
  EXPECT_EQ(program.output().dtype, is_floating(specs[0].dtype) ? setting.dtype : DType::float32);
  const LayerResult result = program.run(inputs, cotangent.astype(program.output().dtype));
  expect_near(result.output, golden["output"], setting.tolerance, "output");
  EXPECT_NEAR(result.losses, golden["losses"].get<double>(), 2 * setting.tolerance) << "losses";
  std::size_t next = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!is_floating(inputs[i].dtype())) continue;
    expect_near(result.input_gradients[i], golden["input_gradients"][next++], setting.tolerance,
                "gradient of input " + std::to_string(i));
  }
  for (std::size_t i = 0; i < golden["weight_gradients"].size(); ++i) {
    expect_near(result.weight_gradients.at(i), golden["weight_gradients"][i], setting.tolerance,
                "gradient of weight " + std::to_string(i));
  }
  const std::vector<Variable> state = layer.non_trainable_variables();
  for (std::size_t i = 0; i < golden["state"].size(); ++i) {
    expect_near(state.at(i).value(), golden["state"][i], setting.tolerance, state[i].path());
  }
}

// The layer called as the golden says: with options, and behind Masking.
Layer as_called(const Layer& layer, const Json& golden, const Setting& setting) {
  if (!golden.contains("masked") && !golden.contains("options")) return layer;
  Values inputs, arguments;
  for (const Json& input : golden["inputs"]) {
    const Shape shape(input["shape"].get<std::vector<std::int64_t>>());
    const DType dtype = input["dtype"] == "int32" ? DType::int32 : setting.dtype;
    inputs.push_back(Input(shape.slice(1, shape.rank()), {.dtype = dtype}));
    arguments.push_back(golden.contains("masked") ? Masking()(inputs.back()) : inputs.back());
  }
  const Json options = golden.value("options", Json::object());
  return Model(inputs, layer.call(arguments, {.use_causal_mask = options.contains("use_causal_mask"),
                                              .return_attention_scores = options.contains("return_attention_scores"),
                                              .reverse = options.contains("reverse")}));
}

void check_layer_golden(const Json& golden, const Layer& own, const Setting& setting) {
  const Layer layer = as_called(own, golden, setting);
  std::vector<Tensor> inputs;
  Values symbols;
  for (const Json& input : golden["inputs"]) {
    const bool ids = input["dtype"] == "int32";
    inputs.push_back(tensor_of(input, ids ? DType::int32 : setting.dtype));
    symbols.push_back(inputs.back());
  }
  if (!layer.built()) layer.call(symbols);
  std::vector<Variable> variables = layer.trainable_variables();
  for (const Variable& variable : layer.non_trainable_variables()) variables.push_back(variable);
  ASSERT_EQ(variables.size(), golden["weights"].size());
  const auto set_weights = [&] {
    for (std::size_t i = 0; i < variables.size(); ++i) {
      const Json& weight = golden["weights"][i];
      EXPECT_EQ(variables[i].name(), weight["name"].get<std::string>());
      variables[i].assign(tensor_of(weight, variables[i].dtype()));
    }
  };
  const Tensor cotangent = tensor_of(golden["cotangent"], setting.dtype);
  set_weights();
  check_phase(golden["predict"], layer, inputs, cotangent, Phase::predict, setting);
  if (golden.contains("random")) return;
  set_weights();
  check_phase(golden.contains("train") ? golden["train"] : golden["predict"], layer, inputs, cotangent, Phase::train,
              setting);
}

class LayerGoldens : public ::testing::TestWithParam<Setting> {
 protected:
  void SetUp() override {
    if (!testing::device_if_there(GetParam().device)) GTEST_SKIP() << "there is no " << GetParam().device;
  }
};

// Goldens have 9 digits, but XLA, which computed them, knows tanh in double precision to 1e-7 only, and gradients of
// float32 weights are float32. GPUs sum in other orders.
INSTANTIATE_TEST_SUITE_P(Devices, LayerGoldens,
                         ::testing::Values(Setting{"reference:0", DType::float64, 1e-6},
                                           Setting{"cpu:0", DType::float32, 1e-5},
                                           Setting{"cudasim:0", DType::float32, 2e-5},
                                           Setting{"cuda:0", DType::float32, 5e-5}),
                         [](const auto& setting) {
                           const std::string device = setting.param.device;
                           return device.substr(0, device.find(':'));
                         });

TEST_P(LayerGoldens, LayersComputeWhatKerasDoes) {
  const std::map<std::string, Layer> layers = testing::golden_layers();
  ASSERT_EQ(layers.size(), goldens()["layers"].size());
  for (const Json& golden : goldens()["layers"]) {
    SCOPED_TRACE(golden["name"].get<std::string>());
    ASSERT_TRUE(layers.contains(golden["name"]));
    check_layer_golden(golden, layers.at(golden["name"]), GetParam());
  }
}

TEST_P(LayerGoldens, ActivationsComputeWhatKerasDoes) {
  const Json& activations = goldens()["activations"];
  const Tensor x = tensor_of(activations["x"], GetParam().dtype);
  const Tensor cotangent = tensor_of(activations["cotangent"], GetParam().dtype);
  for (const auto& [name, golden] : activations["functions"].items()) {
    SCOPED_TRACE(name);
    LayerProgram program(Activation(name), {{x.shape(), x.dtype()}}, Phase::predict,
                         testing::device_if_there(GetParam().device));
    Value columns = cotangent;  // glu has half as many
    if (program.output().shape != cotangent.shape()) columns = ops::split(columns, 2)[0];
    const LayerResult result = program.run({x}, columns);
    expect_near(result.output, golden["y"], GetParam().tolerance, "output");
    expect_near(result.input_gradients[0], golden["dx"], GetParam().tolerance, "gradient");
  }
}

TEST(ActivationGoldens, EveryNameHasOne) {
  for (const std::string& name : ActivationFunction::names()) {
    EXPECT_TRUE(goldens()["activations"]["functions"].contains(ActivationFunction(name).name())) << name;
  }
}

// Layers inside of layers have one too.
void erase_dtypes(Json& json) {
  if (json.is_object()) json.erase("dtype");
  if (!json.is_structured()) return;
  for (Json& part : json) erase_dtypes(part);
}

// Those of layers that draw random numbers hold what they do in prediction.
TEST(LayerGoldensCoverage, EveryStandardLayerHasOne) {
  std::set<std::string> with_golden = {"InputLayer"};  // which computes nothing
  for (const Json& golden : goldens()["layers"]) with_golden.insert(golden["class_name"].get<std::string>());
  for (const auto& entry : standard_layers()) {
    EXPECT_TRUE(with_golden.contains(std::string(entry.class_name)))
        << entry.class_name << " has no golden: add a case to scripts/goldens/make_layer_goldens.py";
  }
}

TEST(LayerConfigurations, HaveKerasKeysInKerasOrder) {
  const std::map<std::string, Layer> layers = testing::golden_layers();
  for (const Json& golden : goldens()["layers"]) {
    SCOPED_TRACE(golden["name"].get<std::string>());
    const Layer& layer = layers.at(golden["name"]);
    EXPECT_EQ(layer.class_name(), golden["class_name"]);
    Json object = Json::parse(layer.config().to_json());
    EXPECT_EQ(object["module"], golden.value("module", "keras.layers"));
    EXPECT_EQ(object["class_name"], golden["class_name"]);
    EXPECT_EQ(object["config"]["name"], layer.name());
    object["config"].erase("name");
    erase_dtypes(object);
    EXPECT_EQ(object["config"], golden["config"]);
  }
}

}  // namespace
}  // namespace keratin
