// Whole models in .keras and .h5 files: what comes back, and what is refused.
#include <gtest/gtest.h>

#include "keratin/core/model/registry.h"
#include "keratin/core/training/model_config.h"
#include "keratin/io/detail/hdf5_reader.h"
#include "keratin/io/detail/json_config.h"
#include "keratin/io/detail/zip_archive.h"
#include "tests/io/temporary_folder.h"
#include "tests/layers/golden_layers.h"
#include "tests/support/expect_error.h"
#include "tests/support/small_models.h"
#include "tests/support/source_path.h"

namespace keratin {
namespace {

using testing::all_weights;
using testing::compiled_model;
using testing::expect_error;
using testing::small_data;

class Models : public ::testing::TestWithParam<const char*> {
 protected:
  std::string path(const std::string& name) const { return folder_.path(name + GetParam()); }
  testing::TemporaryFolder folder_;
};
INSTANTIATE_TEST_SUITE_P(Formats, Models, ::testing::Values(".keras", ".h5"),
                         [](const auto& format) { return format.param[1] == 'k' ? "Keras" : "Hdf5"; });

std::string config_of(const Model& model) { return model_config(model, ConfigFormat::keras).to_json(); }

Tensor numbers(const Shape& sample, std::int64_t rows) {
  Tensor x(Shape{rows}.concat(sample));
  float value = -1;
  for (float& element : x.values<float>()) element = value = value > 0.9f ? -0.93f : value + 0.17f;
  return x;
}

void expect_same(Model& model, Model& again, const TensorList& x) {
  EXPECT_EQ(config_of(again), config_of(model));
  EXPECT_EQ(all_weights(again), all_weights(model));
  const std::vector<Tensor> a = model.predict_all(x), b = again.predict_all(x);
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].to_vector<float>(), b[i].to_vector<float>());
}

TEST_P(Models, TrainingGoesOnInAnotherProgram) {
  const auto data = small_data(64);
  Sequential model = compiled_model(1);
  model.fit(data.x, data.y, {.epochs = 2, .verbose = 0});
  model.optimizer().set_learning_rate(0.005);
  model.save(path("a"));
  Model again = load_model(path("a"));
  expect_same(model, again, data.x);
  ASSERT_TRUE(again.compiled());
  EXPECT_EQ(again.optimizer().iterations(), model.optimizer().iterations());
  EXPECT_EQ(again.optimizer().learning_rate(), model.optimizer().learning_rate());
  const Logs first = model.evaluate(data.x, data.y, {.verbose = 0}),
             second = again.evaluate(data.x, data.y, {.verbose = 0});
  EXPECT_EQ(first["loss"], second["loss"]);
  EXPECT_EQ(first["accuracy"], second["accuracy"]);
  for (Model* m : {static_cast<Model*>(&model), &again}) {
    m->fit(data.x, data.y, {.epochs = 1, .verbose = 0, .shuffle = false});
  }
  EXPECT_EQ(all_weights(model), all_weights(again));  // Adam's moments came along
}

TEST_P(Models, BranchesSharedLayersNestedModelsSeveralInputsAndOutputs) {
  Dense shared(8, {.activation = "relu", .name = "shared"});
  Input a({8}, {.name = "a"}), b({8}, {.name = "b"});
  Sequential inner({Input({8}), Dense(3), BatchNormalization()}, {.name = "inner"});
  Input c({3}, {.name = "c"});
  Model nested({c}, {Dense(2, {.name = "two"})(c), Activation("tanh", {.name = "three"})(c)}, {.name = "nested"});
  const Value left = inner(shared(a));
  const Value right = inner(Dropout(0.5)(shared(shared(b)), {.training = false}));
  const Values heads = nested.call({Add()({left, right})});
  Model model({a, b}, {heads[1], heads[0], Concatenate()({left, nested(right)})}, {.name = "net"});
  model.compile(optimizers::SGD({.learning_rate = schedules::CosineDecay(0.1, 100), .momentum = 0.9}),
                {"mse", losses::Huber(0.5), "mae"},
                {.loss_weights = {1, 0.5, 2}, .output_metrics = {{"mae"}, {}, {"mse"}}});
  const TensorList x{numbers({8}, 6), numbers({8}, 6)}, y{numbers({3}, 6), numbers({2}, 6), numbers({5}, 6)};
  model.fit(x, y, {.epochs = 2, .verbose = 0});
  model.save(path("a"));
  Model again = load_model(path("a"));
  expect_same(model, again, x);
  const Logs first = model.evaluate(x, y, {.verbose = 0}), second = again.evaluate(x, y, {.verbose = 0});
  for (const auto& [name, value] : first) EXPECT_EQ(second[name], value) << name;
  again.save(path("b"));
  EXPECT_EQ(config_of(load_model(path("b"))), config_of(model));
}

TEST_P(Models, EveryLayer) {
  for (const auto& [name, layer] : testing::golden_layers()) {
    SCOPED_TRACE(name);
    const bool merges = layer.impl().class_name() == "Dot" || name.starts_with("concat") || name.starts_with("add") ||
                        name.starts_with("sub") || name.starts_with("mul") || name.starts_with("average") ||
                        name.starts_with("max") || name.starts_with("min");
    if (merges && name.find("pooling") == std::string::npos) continue;  // of several inputs
    for (const Shape& shape : {Shape{12}, Shape{3, 4}, Shape{8, 4}, Shape{8, 8, 4}, Shape{5, 6, 4, 4}}) {
      Input x(shape);
      Value y;
      try {
        y = layer(x);
      } catch (const InvalidArgument&) {
        continue;  // a layer for inputs of another rank
      }
      Model model(x, y);
      model.save(path("a"));
      Model again = load_model(path("a"));
      EXPECT_FALSE(again.compiled());
      Tensor data = numbers(shape, 2);
      if (layer.impl().index_limit() > 0) data = Tensor(data.shape());
      expect_same(model, again, data);
      break;
    }
  }
}

TEST_P(Models, InputsAndTrainableFlags) {
  Embedding embedding(5, 2, {.name = "e", .trainable = false});
  Sequential model({Input({-1}, {.batch_size = 3, .dtype = DType::int32, .name = "ids"}), embedding}, {.name = "m"});
  model.save(path("a"));
  Model again = load_model(path("a"));
  EXPECT_EQ(config_of(again), config_of(model));
  EXPECT_EQ(again.inputs()[0].shape(), (Shape{3, -1}));
  EXPECT_EQ(again.inputs()[0].dtype(), DType::int32);
  EXPECT_TRUE(again.trainable_variables().empty());
  // Built by its first call: the file has the InputLayer that Keras would add.
  Sequential late({Dense(2)});
  late.build({-1, 3});
  late.save(path("b"));
  EXPECT_EQ(load_model(path("b")).inputs()[0].shape(), (Shape{-1, 3}));
}

class TwiceLayer final : public LayerImpl {
 public:
  explicit TwiceLayer(std::string name) : LayerImpl("Twice", std::move(name)) {}
  static Layer from_config(ConfigReader& c) {
    c.trainable();
    return Custom<TwiceLayer>(c.name());
  }
  using LayerImpl::call;
  Value call(Value x, CallContext&) override { return x * weight_; }

 protected:
  using LayerImpl::build;
  void build(const Shape&) override { weight_ = add_weight("w", {}, {.initializer = "ones"}); }

 private:
  Variable weight_;
};

TEST_P(Models, LayersOfTheUser) {
  Sequential model({Input({2}), Custom<TwiceLayer>("twice"), Dense(1)});
  register_layer<TwiceLayer>("zoo", "Twice");
  model.save(path("a"));
  Model again = load_model(path("a"));
  expect_same(model, again, numbers({2}, 3));
}

TEST_P(Models, WhatFilesCannotHoldIsRefused) {
  class Nameless final : public LayerImpl {
   public:
    Nameless() : LayerImpl("Nameless", "mine") {}
    using LayerImpl::call;
    Value call(Value x, CallContext&) override { return x; }
  };
  Sequential model({Input({2}), Custom<Nameless>(), Dense(1)});
  expect_error<InvalidArgument>([&] { model.save(path("a")); }, {"'mine' (Nameless)", "register_layer"});
  Input x({2});
  Model with_op(x, Value(x) + 1.0);
  expect_error<InvalidArgument>([&] { with_op.save(path("a")); }, {"'add'", "outside of a layer"});
  EXPECT_EQ(folder_.files(), 0u);
}

TEST_P(Models, WhatCannotBeCompiledAgainIsLeftOut) {
  Sequential model = testing::small_model();
  model.compile("adam", Loss([](const Value& y, const Value& p) { return ops::mean(p - y, {-1}); }, "mine"));
  std::string warning;
  set_log_handler([&](LogLevel, std::string_view text) { warning += text; });
  model.save(path("a"));
  set_log_handler({});
  EXPECT_NE(warning.find("loss 'mine'"), std::string::npos) << warning;
  EXPECT_FALSE(load_model(path("a")).compiled());
  model.compile("adam", "mse");
  model.save(path("a"));
  EXPECT_FALSE(load_model(path("a"), {.compile = false}).compiled());
}

TEST_P(Models, WeightsAloneFromWholeModels) {
  Sequential model = compiled_model(1), other = compiled_model(2);
  model.save(path("a"));
  other.load_weights(path("a"));
  EXPECT_EQ(all_weights(other), all_weights(model));
  Sequential larger({Input({8}), Dense(17), Dense(3)});
  const auto before = all_weights(larger);
  expect_error<FileError>([&] { larger.load_weights(path("a")); }, {"(8, 16)", "(8, 17)"});
  EXPECT_EQ(all_weights(larger), before);
}

TEST_P(Models, Checkpoints) {
  const auto data = small_data(20);
  Sequential model = compiled_model();
  model.fit(data.x, data.y, {.epochs = 2, .verbose = 0, .callbacks = {callbacks::ModelCheckpoint(path("c{epoch}"))}});
  EXPECT_EQ(all_weights(load_model(path("c2"))), all_weights(model));
  EXPECT_EQ(load_model(path("c1")).optimizer().iterations(), 1);
}

TEST(ModelFiles, PathsAndKinds) {
  Sequential model = testing::small_model(), unbuilt({Dense(2)});
  expect_error<InvalidArgument>([&] { model.save("model.onnx"); }, {".keras", "model.onnx"});
  expect_error<InvalidArgument>([&] { model.save("model.weights.h5"); }, {"save_weights"});
  expect_error<InvalidArgument>([&] { unbuilt.save("model.keras"); }, {"no weights yet"});
  expect_error<InvalidArgument>([] { load_model("model.pt"); }, {"model.pt"});
  expect_error<FileError>([] { load_model("/no/such.keras"); }, {"/no/such.keras", "No such file"});
  testing::TemporaryFolder folder;
  testing::write_file(folder.path("text.keras"), "not a zip archive");
  expect_error<FileError>([&] { load_model(folder.path("text.keras")); }, {"zip archive"});
  model.save_weights(folder.path("only.h5"));
  expect_error<FileError>([&] { load_model(folder.path("only.h5")); }, {"only weights"});
  Sequential other = testing::small_model(9);
  other.load_weights(folder.path("only.h5"));
  EXPECT_EQ(all_weights(other), all_weights(model));
}

TEST(ModelFiles, WeightsByName) {
  testing::TemporaryFolder folder;
  Sequential saved({Input({4}), Dense(3, {.name = "a"}), Dense(2, {.name = "b"})});
  saved.save_weights(folder.path("w.h5"));
  Sequential model({Input({4}), Dense(3, {.name = "a"}), Dense(5, {.name = "new"})});
  const auto fresh = model.get_layer("new").get_weights()[0].to_vector<float>();
  model.load_weights(folder.path("w.h5"), {.by_name = true});
  EXPECT_EQ(model.get_layer("a").get_weights()[0].to_vector<float>(),
            saved.get_layer("a").get_weights()[0].to_vector<float>());
  EXPECT_EQ(model.get_layer("new").get_weights()[0].to_vector<float>(), fresh);
  expect_error<FileError>([&] { model.load_weights(folder.path("w.h5")); }, {"(3, 2)", "(3, 5)"});
  Sequential wrong({Input({5}), Dense(3, {.name = "a"})});
  expect_error<FileError>([&] { wrong.load_weights(folder.path("w.h5"), {.by_name = true}); }, {"(4, 3)", "(5, 3)"});
  Sequential fewer({Input({4}), Dense(3)});
  expect_error<FileError>([&] { fewer.load_weights(folder.path("w.h5")); }, {"2 layers with weights, the model 1"});
  saved.save_weights(folder.path("w.weights.h5"));
  expect_error<InvalidArgument>([&] { saved.load_weights(folder.path("w.weights.h5"), {.by_name = true}); }, {"names"});
}

// Files that Keras 2.15 has written (scripts/fixtures/make_keras2_fixtures.py): shared layers, models inside a model.
TEST(ModelFiles, OfKerasTwo) {
  const std::string folder = testing::source_path("tests/fixtures/keras/");
  std::string warnings;
  set_log_handler([&](LogLevel, std::string_view text) { warnings += text; });
  for (const char* name : {"keras2_sequential", "keras2_functional"}) {
    SCOPED_TRACE(name);
    Model model = load_model(folder + name + ".h5");
    EXPECT_TRUE(model.compiled());
    detail::H5Reader data(folder + name + ".data.h5");
    const Tensor expected = data.load("prediction0"), got = model.predict(data.load("x0"));
    ASSERT_EQ(got.shape(), expected.shape());
    for (std::size_t i = 0; i < expected.values<float>().size(); ++i) {
      EXPECT_NEAR(got.values<float>()[i], expected.values<float>()[i], 1e-5f);
    }
    if (name == std::string("keras2_sequential")) {
      EXPECT_FLOAT_EQ(static_cast<float>(model.optimizer().learning_rate()), 0.001f);
      continue;
    }
    const auto weights = all_weights(model);
    for (Variable& variable : model.variables()) variable.assign(Tensor(variable.shape()));
    model.load_weights(folder + "keras2_weights.h5");
    EXPECT_EQ(all_weights(model), weights);
  }
  set_log_handler({});
  EXPECT_NE(warnings.find("Keras 2 and is not loaded"), std::string::npos) << warnings;
}

// What Keras writes for (2 - (x + 3) * 0.5) / 4, and x * 2 where the number is an op's first argument.
TEST(ModelFiles, OperationsWithNumbers) {
  const auto tensor = [](const std::string& layer) {
    return R"({"class_name": "__keras_tensor__", "config": {"keras_history": [")" + layer + R"(", 0, 0]}})";
  };
  const auto op = [](const std::string& kind, const std::string& name, const std::string& arguments) {
    return R"({"module": "keras.src.ops.numpy", "class_name": ")" + kind + R"(", "config": {"name": ")" + name +
           R"("}, "registered_name": ")" + kind + R"(", "name": ")" + name + R"(", "inbound_nodes": [{"args": [)" +
           arguments + R"(], "kwargs": {}}]})";
  };
  const auto model_of = [&](const std::string& ops, const std::string& output) {
    return detail::parse_json(R"({"class_name": "Functional", "config": {"name": "f", "layers": [
      {"class_name": "InputLayer", "name": "i", "config": {"batch_shape": [null, 3], "name": "i"}, "inbound_nodes": []},
      )" + ops + R"(], "input_layers": [["i", 0, 0]], "output_layers": [[")" +
                              output + R"(", 0, 0]]}})");
  };
  const std::string chain = op("Add", "add", tensor("i") + ", 3.0") + "," +
                            op("Multiply", "multiply", tensor("add") + ", 0.5") + "," +
                            op("Subtract", "subtract", "2, " + tensor("multiply")) + "," +
                            op("TrueDivide", "divide", tensor("subtract") + ", 4.0");
  ConfigProblems problems;
  const Tensor x({1, 3}, {1.0f, -3.0f, 5.0f});
  Model model = model_from_config(model_of(chain, "divide"), problems);
  ASSERT_EQ(problems.size(), 0u);
  EXPECT_EQ(model.predict(x).to_vector<float>(), (std::vector<float>{0.0f, 0.5f, -0.5f}));
  Model doubled = model_from_config(model_of(op("Multiply", "m", "2, " + tensor("i")), "m"), problems);
  ASSERT_EQ(problems.size(), 0u);
  EXPECT_EQ(doubled.predict(x).to_vector<float>(), (std::vector<float>{2.0f, -6.0f, 10.0f}));
  // There is no layer for this one.
  model_from_config(model_of(op("TrueDivide", "d", "2, " + tensor("i")), "d"), problems);
  EXPECT_GT(problems.size(), 0u);
}

// A mask of the caller's is an input of the call; one that an op computes would be lost.
TEST(ModelFiles, MasksThatCallsAreGiven) {
  Input x({4, 2}, {.name = "x"}), steps({4}, {.dtype = DType::boolean, .name = "steps"});
  const Value sequence = LSTM(3, {.return_sequences = true, .name = "a"})(x, {.mask = {steps}});
  const Value last = GRU(2, {.name = "b"})(sequence);  // sees the mask too
  const Value mixed = MultiHeadAttention(1, 2, {.name = "c"})({x, x}, {.mask = {{}, steps}});
  Model model({x, steps}, {last, mixed});
  testing::TemporaryFolder folder;
  model.save(folder.path("a.keras"));
  Model again = load_model(folder.path("a.keras"));
  Tensor numbers({2, 4, 2}), all = Tensor::full({2, 4}, 1, DType::boolean), some = all.astype(DType::boolean);
  float number = 0;
  for (float& each : numbers.values<float>()) each = number += 0.1f;
  some = Tensor({2, 4}, {1.0f, 1.0f, 0.0f, 0.0f, 1.0f, 0.0f, 1.0f, 1.0f}).astype(DType::boolean);
  for (std::size_t output : {std::size_t{0}, std::size_t{1}}) {
    const auto masked = model.predict_all({numbers, some})[output].to_vector<float>();
    EXPECT_EQ(again.predict_all({numbers, some})[output].to_vector<float>(), masked);
    EXPECT_NE(model.predict_all({numbers, all})[output].to_vector<float>(), masked);
  }
  const std::string json = model_config(model, ConfigFormat::keras).to_json();
  EXPECT_NE(json.find("\"query_mask\""), 0u);
  EXPECT_NE(json.find("\"value_mask\": {\"class_name\": \"__keras_tensor__\""), std::string::npos);
  expect_error<InvalidArgument>([&] { LSTM(3)(x, {.mask = {steps, steps}}); }, {"2 masks for 1 input"});
  expect_error<InvalidArgument>([&] { Dense(3)(x, {.reverse = true}); }, {"reverse", "ReversibleEmbedding"});
}

TEST(ModelFiles, MasksThatOpsComputeAreRefusedUnlessALayerMakesThem) {
  const auto model_of = [](bool mask_zero) {
    const std::string ids =
        R"({"class_name": "__keras_tensor__", "config": {"shape": [null, 4], "keras_history": ["i", 0, 0]}})";
    const auto tensor = [](const std::string& name) {
      return R"({"class_name": "__keras_tensor__", "config": {"shape": [null, 4], "keras_history": [")" + name +
             R"(", 0, 0]}})";
    };
    return detail::parse_json(
        R"({"class_name": "Functional", "module": "keras.src.models.functional", "config": {"name": "m", "layers": [
      {"class_name": "InputLayer", "module": "keras.layers", "name": "i", "inbound_nodes": [],
       "config": {"name": "i", "batch_shape": [null, 4], "dtype": "int32"}},
      {"class_name": "Embedding", "module": "keras.layers", "name": "e", "inbound_nodes": [{"args": [)" +
        ids + R"(], "kwargs": {}}],
       "config": {"name": "e", "input_dim": 5, "output_dim": 2, "mask_zero": )" +
        (mask_zero ? "true" : "false") + R"(}},
      {"class_name": "NotEqual", "module": "keras.src.ops.numpy", "name": "not_equal", "config": {"name": "not_equal"},
       "inbound_nodes": [{"args": [)" +
        ids + R"(, 0], "kwargs": {}}]},
      {"class_name": "GRU", "module": "keras.layers", "name": "g", "config": {"name": "g", "units": 2},
       "inbound_nodes": [{"args": [)" +
        tensor("e") + R"(], "kwargs": {"mask": )" + tensor("not_equal") + R"(}}]}],
      "input_layers": [["i", 0, 0]], "output_layers": [["g", 0, 0]]}})");
  };
  ConfigProblems problems;
  model_from_config(model_of(true), problems);
  EXPECT_TRUE(problems.empty()) << problems.text();
  model_from_config(model_of(false), problems);
  EXPECT_NE(problems.text().find("'not_equal': a mask that an op outside of layers computes"), std::string::npos);
}

// ---- hostile and foreign files ----

using Members = std::vector<std::pair<std::string, std::string>>;

void write_members(const std::string& path, const Members& members) {
  std::vector<std::pair<std::string, std::span<const std::byte>>> views;
  for (const auto& [name, text] : members) views.emplace_back(name, std::as_bytes(std::span(text.data(), text.size())));
  detail::write_zip(path, views);
}

std::string dense_model(const std::string& layers) {
  return R"({"module": "keras", "class_name": "Sequential", "config": {"name": "s", "layers": [
    {"module": "keras.layers", "class_name": "InputLayer", "config": {"batch_shape": [null, 3], "name": "i"}},)" +
         layers + "]}}";
}

TEST(ModelFiles, EverythingUnsupportedIsNamed) {
  testing::TemporaryFolder folder;
  const std::string config = dense_model(R"(
    {"module": "keras.layers", "class_name": "Conv2D", "registered_name": null, "config": {"name": "c1", "filters": 4,
      "kernel_size": [3, 3], "data_format": "channels_first", "activation": "my_activation"}},
    {"module": "keras.layers", "class_name": "Lambda", "registered_name": null, "config": {"name": "code"}},
    {"module": "their.code", "class_name": "Gate", "registered_name": "theirs>Gate", "config": {"name": "g"}},
    {"module": "keras.layers", "class_name": "Dense", "config": {"name": "d", "units": 2, "lora_rank": 4,
      "dtype": {"class_name": "DTypePolicy", "config": {"name": "mixed_bfloat16"}}}})");
  const std::string compile = R"("compile_config": {"optimizer": {"module": "keras.optimizers", "class_name": "Magic",
    "config": {}, "registered_name": null}, "loss": "my_loss", "metrics": ["accuracy", "my_metric"]}, )";
  write_members(folder.path("a.keras"), {{"config.json", "{" + compile + config.substr(1)}});
  expect_error<FileError>(
      [&] { load_model(folder.path("a.keras")); },
      {"a.keras", "'c1' (Conv2D): data_format", "channels_first", "my_activation", "'code' (Lambda)", "'theirs>Gate'",
       "'d' (Dense)", "lora_rank", "mixed_bfloat16", "Magic", "my_loss", "my_metric"});
}

TEST(ModelFiles, ConfigurationsThatAreNone) {
  testing::TemporaryFolder folder;
  const std::string file = folder.path("a.keras");
  const auto refused = [&](const std::string& config, std::initializer_list<std::string_view> texts) {
    write_members(file, {{"config.json", config}});
    expect_error<FileError>([&] { load_model(file); }, texts);
  };
  refused("", {"not JSON"});
  refused("{", {"not JSON"});
  refused("[1, 2", {"not JSON"});
  refused("3", {"expected an object"});
  refused("{}", {"expected an object"});
  refused("{\"class_name\": 3, \"config\": 4}", {"expected an object"});
  refused(std::string(100'000, '['), {"256 levels"});
  refused("{\"a\": 1, \"a\": 2}", {"'a' comes twice"});
  refused(dense_model("7"), {"a layer"});
  refused(dense_model(R"({"class_name": "Dense", "config": {"units": 1e300}})"), {"whole number"});
  refused(dense_model(R"({"class_name": "Dense", "config": {"units": 99999999999}})"), {"too large"});
  refused(R"({"class_name": "Dense", "config": {"units": 3}})", {"not a model"});
  refused(R"({"class_name": "Sequential", "config": {"layers": [{"class_name": "Dense", "config": {"units": 3}}]}})",
          {"shape of its input"});
  const auto functional = [](const std::string& nodes, const std::string& output) {
    return R"({"class_name": "Functional", "config": {"name": "f", "layers": [
      {"class_name": "InputLayer", "name": "i", "config": {"batch_shape": [null, 3], "name": "i"}, "inbound_nodes": []},
      {"class_name": "Dense", "name": "d", "config": {"name": "d", "units": 2}, "inbound_nodes": )" +
           nodes + R"(}], "input_layers": [["i", 0, 0]], "output_layers": )" + output + "}}";
  };
  const std::string on_itself =
      R"([{"args": [{"class_name": "__keras_tensor__", "config": {"keras_history": ["d", 0, 0]}}]}])";
  refused(functional(on_itself, R"([["d", 0, 0]])"), {"'d'", "depend on themselves"});
  refused(functional("[[[\"x\", 0, 0, {}]]]", R"([["d", 0, 0]])"), {"'x'", "not there"});
  refused(functional("[[[\"i\", 0, 4, {}]]]", R"([["d", 0, 0]])"), {"no output 4"});
  refused(functional("[[[\"i\", 0, 0, {}]]]", R"([["d", 7, 0]])"), {"no call 7"});
  refused(functional("[[[\"i\", 0, 0, {}]]]", "[]"), {"must not be empty"});
  refused(functional("[]", R"([["i", 0, 0]])"), {"model.weights.h5"});
}

TEST(ModelFiles, ZipArchivesOfNoModel) {
  testing::TemporaryFolder folder;
  const std::string file = folder.path("a.keras");
  const auto refused = [&](const Members& members, std::initializer_list<std::string_view> texts) {
    write_members(file, members);
    expect_error<FileError>([&] { load_model(file); }, texts);
  };
  refused({{"other.txt", "x"}}, {"config.json"});
  refused({{"../config.json", "{}"}}, {"'../config.json' is not allowed"});
  refused({{"/etc/passwd", "{}"}}, {"not allowed"});
  refused({{"a/../../b", "{}"}}, {"not allowed"});
  refused({{"a\\b", "{}"}}, {"not allowed"});
  refused({{"config.json", dense_model(R"({"class_name": "Dense", "config": {"units": 2}})")},
           {"model.weights.h5", "not HDF5"}},
          {"a.keras"});
  // A second member of the same name: the library does not write it, so one is renamed in the bytes.
  write_members(file, {{"config.json", "{}"}, {"config.jsoN", "[]"}});
  std::string bytes = testing::read_file(file);
  for (std::size_t at = bytes.find("config.jsoN"); at != std::string::npos; at = bytes.find("config.jsoN")) {
    bytes[at + 10] = 'n';
  }
  testing::write_file(file, bytes);
  expect_error<FileError>([&] { load_model(file); }, {"a.keras"});
}

}  // namespace
}  // namespace keratin
