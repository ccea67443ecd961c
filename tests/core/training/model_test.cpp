// Graphs of layers: functional models, sharing, nesting, several inputs and outputs, summaries, memory.
#include <gtest/gtest.h>

#include <functional>
#include <regex>
#include <string>

#include "tests/support/expect_error.h"
#include "tests/support/small_models.h"

namespace keratin {
namespace {

using testing::all_weights;
using testing::expect_error;
using testing::small_data;

TEST(Model, FunctionalWithBranches) {
  Input x({8});
  const Value a = Dense(4, {.activation = "relu", .name = "left"})(x);
  const Value b = Dense(4, {.name = "right"})(x);
  const Value y = Dense(3, {.activation = "softmax"})(Add()({a, b}));
  Model model(x, y);
  EXPECT_EQ(model.outputs()[0].shape(), (Shape{kUnknown, 3}));
  EXPECT_EQ(model.count_params(), 2 * (8 * 4 + 4) + 4 * 3 + 3);
  EXPECT_EQ(model.get_layer("left").class_name(), "Dense");
  expect_error<InvalidArgument>([&] { model.get_layer("lefft"); }, {"lefft", "did you mean 'left'?"});
  model.compile("adam", "sparse_categorical_crossentropy", {"accuracy"});
  const auto data = small_data(64);
  const History history = model.fit(data.x, data.y, {.epochs = 10, .verbose = 0});
  EXPECT_LT(history["loss"].back(), history["loss"].front());
}

TEST(Model, SharedLayerHasOneSetOfWeights) {
  Dense shared(4);
  Input a({8}), b({8});
  Model model({a, b}, {Subtract()({shared(a), shared(b)})});
  EXPECT_EQ(model.count_params(), 8 * 4 + 4);
  const auto data = small_data(5);
  const Tensor difference = model.predict({data.x, data.x});
  for (const float v : difference.to_vector<float>()) EXPECT_EQ(v, 0);
}

TEST(Model, FeaturesOnTheSameLayers) {
  Input x({8});
  const Value hidden = Dense(5, {.activation = "relu"})(x);
  Model model(x, Dense(3, {.activation = "softmax"})(hidden));
  Model features(x, hidden);
  model.compile("sgd", "sparse_categorical_crossentropy");
  const auto data = small_data(40);
  const auto before = features.predict(data.x).to_vector<float>();
  model.fit(data.x, data.y, {.epochs = 2, .verbose = 0});
  EXPECT_NE(features.predict(data.x).to_vector<float>(), before);
  EXPECT_EQ(features.predict(data.x).shape(), (Shape{40, 5}));
}

TEST(Model, NestedModelsTrainAndFreeze) {
  Sequential base({Input({8}), Dense(6, {.activation = "relu"})});
  Sequential model({Input({8}), base, Dense(3, {.activation = "softmax"})});
  EXPECT_EQ(model.count_params(), 8 * 6 + 6 + 6 * 3 + 3);
  model.compile("adam", "sparse_categorical_crossentropy");
  base.set_trainable(false);
  EXPECT_EQ(model.trainable_variables().size(), 2u);
  const auto data = small_data(40);
  const auto frozen = all_weights(base);
  model.fit(data.x, data.y, {.epochs = 2, .verbose = 0});
  EXPECT_EQ(all_weights(base), frozen);
  base.set_trainable(true);
  model.fit(data.x, data.y, {.epochs = 2, .verbose = 0});
  EXPECT_NE(all_weights(base), frozen);
}

TEST(Model, ANestedModelMayBeCalledTwice) {
  Sequential twin({Input({4}), Dense(2, {.use_bias = false})});
  Input a({4}), b({4});
  Model model({a, b}, {twin(a), twin(b)});
  const Tensor one({1, 4}, {1.f, 0.f, 0.f, 0.f}), two({1, 4}, {2.f, 0.f, 0.f, 0.f});
  const std::vector<Tensor> out = model.predict_all({one, two});
  EXPECT_FLOAT_EQ(static_cast<float>(out[1].at({0, 0})), 2 * static_cast<float>(out[0].at({0, 0})));
}

TEST(Model, SeveralOutputsLossesAndWeights) {
  Input x({8});
  const Value h = Dense(8, {.activation = "relu"})(x);
  Model model({x}, {Dense(3, {.activation = "softmax", .name = "kind"})(h), Dense(1, {.name = "size"})(h)});
  model.compile("adam", {"sparse_categorical_crossentropy", "mse"},
                {.loss_weights = {1.0, 0.5}, .output_metrics = {{"accuracy"}, {"mae"}}});
  const auto data = small_data(50);
  const Tensor size = Tensor::full({50, 1}, 0.25);
  const History history = model.fit(data.x, {data.y, size}, {.epochs = 3, .verbose = 0});
  for (const char* name : {"loss", "kind_loss", "size_loss", "kind_accuracy", "size_mae"})
    EXPECT_EQ(history[name].size(), 3u) << name;
  EXPECT_NEAR(history["loss"][2], history["kind_loss"][2] + 0.5 * history["size_loss"][2], 1e-5);
  expect_error<InvalidArgument>([&] { model.fit(data.x, data.y, {.verbose = 0}); }, {"1 y", "2 outputs"});
}

TEST(Model, SequentialWithoutInputLearnsItsShapeFromData) {
  Sequential model({Dense(4, {.activation = "relu"}), Dense(3, {.activation = "softmax"})});
  EXPECT_FALSE(model.built());
  model.compile("adam", "sparse_categorical_crossentropy");
  const auto data = small_data(20);
  model.fit(data.x, data.y, {.verbose = 0});
  EXPECT_EQ(model.count_params(), 8 * 4 + 4 + 4 * 3 + 3);
}

TEST(Model, AddAndPop) {
  Sequential model;
  model.add(Input({8}));
  model.add(Dense(4));
  model.add(Dense(2));
  EXPECT_EQ(model.outputs()[0].shape(), (Shape{kUnknown, 2}));
  model.pop();
  EXPECT_EQ(model.outputs()[0].shape(), (Shape{kUnknown, 4}));
  model.pop();
  model.pop();
  expect_error<InvalidArgument>([&] { model.pop(); }, {"no layer"});
}

TEST(Model, GraphErrors) {
  Input x({8}), other({8});
  const Value y = Add()({Dense(2)(x), Dense(2)(other)});
  expect_error<InvalidArgument>([&] { Model(x, y); }, {"Input", "not among the model's inputs"});
  const Value hidden = Dense(2)(x);
  expect_error<InvalidArgument>([&] { Model(hidden, Dense(2)(hidden)); }, {"Input"});
  Dense twin(2, {.name = "same"}), clash(2, {.name = "same"});
  expect_error<InvalidArgument>([&] { Model(x, clash(twin(x))); }, {"'same'", "unique"});
}

TEST(Model, LayerNamesAreInErrors) {
  Input x({28, 28});
  expect_error<InvalidArgument>(
      [&] {
        Conv2D(4, {3, 3}, {.name = "edges"})(x);
      },
      {"edges (Conv2D)", "rank 4", "(None, 28, 28)"});
}

// A layer of the user's, composed of ops.
class Swish final : public LayerImpl {
 public:
  Swish() : LayerImpl("Swish", "") {}
  using LayerImpl::call;
  Value call(Value x, CallContext&) override { return x * ops::sigmoid(x * beta_); }

 protected:
  using LayerImpl::build;
  void build(const Shape&) override { beta_ = add_weight("beta", {}, {.initializer = "ones"}); }

 private:
  Variable beta_;
};

TEST(Model, CustomLayersTrain) {
  set_random_seed(2);
  const Custom<Swish> swish;
  Sequential model({Input({8}), Dense(8), swish, Dense(3, {.activation = "softmax"})});
  model.compile("adam", "sparse_categorical_crossentropy");
  const auto data = small_data(60);
  model.fit(data.x, data.y, {.epochs = 5, .verbose = 0});
  EXPECT_NE(swish.get_weights()[0].item(), 1.0);
}

TEST(Model, SummaryShowsLayersAndMemory) {
  Sequential model = testing::compiled_model();
  const std::string text = model.summary_text({.batch_size = 10});
  for (const char* part : {"Dense", "(None, 16)", "144", "Total params", "Trainable params: 195",
                           "Memory for training at batch size 10"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " is missing in\n" << text;
  }
}

TEST(Model, MemoryIsThePlans) {
  Sequential model = testing::compiled_model();
  const MemoryReport small = model.memory(8), large = model.memory(512);
  EXPECT_EQ(small.weights, 195 * 4);
  EXPECT_EQ(large.weights, small.weights);
  EXPECT_GE(small.optimizer, 2 * 195 * 4);  // Adam's two slots
  EXPECT_GT(large.activations, small.activations);
  EXPECT_GE(large.activations, 512 * 16 * 4);
}

// The number that the error of a refused call says would fit.
std::int64_t would_fit(const std::function<void()>& call, const std::string& option) {
  try {
    call();
  } catch (const OutOfMemory& error) {
    std::smatch match;
    const std::string text = error.what();
    if (std::regex_search(text, match, std::regex(option + " ([0-9]+) would fit"))) return std::stoll(match[1]);
    ADD_FAILURE() << text;
  }
  return 0;
}

// A `call` with so many samples is refused with a number that fits, beyond `least`, and one more does not.
void expect_the_largest(const std::function<void(std::int64_t)>& call, std::int64_t refused, const std::string& verb,
                        const std::string& option, std::int64_t least) {
  const std::int64_t fits =
      would_fit([&] { call(refused); }, verb + ": " + option + " " + std::to_string(refused) + " .*" + option);
  ASSERT_GT(fits, least);
  ASSERT_LT(fits, refused);
  call(fits);
  EXPECT_THROW(call(fits + 1), OutOfMemory);
}

// For the tests behind one that fails.
struct NoLimitAtTheEnd {
  ~NoLimitAtTheEnd() { set_memory_limit(0); }
};

TEST(Model, PlansThatDoNotFitAreRefusedWithTheLargestBatch) {
  const DeviceScope scope("cpu");
  const NoLimitAtTheEnd guard;
  const Tensor x({4096, 64});
  const Tensor y({4096}, DType::int32);
  // A new model each time: what a plan has allocated it keeps.
  const auto fit = [&](FitOptions options) {
    options.verbose = 0;
    Sequential model({Input({64}), Dense(256, {.activation = "relu"}), Dense(3, {.activation = "softmax"})});
    model.compile("adam", "sparse_categorical_crossentropy");
    set_memory_limit(memory_info().used + (std::int64_t{5} << 20) / 4);
    model.fit(x, y, options);
  };
  for (const double split : {0.0, 0.25}) {
    const auto train = [&](std::int64_t size) { fit({.batch_size = size, .validation_split = split}); };
    expect_the_largest(train, 2048, "fit", "batch_size", 32);
  }
  // The batches of the validation are what is too large.
  const auto validate = [&](std::int64_t size) {
    fit({.batch_size = 32, .validation_data = {x, y}, .validation_batch_size = size});
  };
  expect_the_largest(validate, 4096, "fit", "validation_batch_size", 32);
}

// The batch that is left over counts, too, whose results are memory of their own.
TEST(Model, PredictionsThatDoNotFitAreRefusedWithTheLargestBatch) {
  const DeviceScope scope("cpu");
  const NoLimitAtTheEnd guard;
  const auto predict = [&](std::int64_t batch) {
    Sequential model({Input({4}), Dense(200)});
    set_memory_limit(memory_info().used + (std::int64_t{3} << 20));
    model.predict(Tensor({9000, 4}), {.batch_size = batch, .verbose = 0});
  };
  expect_the_largest(predict, 9000, "predict", "batch_size", 100);
}

// A training batch that is larger than the data is named as it was given, and the validation may take more than that.
TEST(Model, TheNumberThatWouldFitMayBeLargerThanTheTrainingData) {
  const DeviceScope scope("cpu");
  const NoLimitAtTheEnd guard;
  const auto fit = [&](std::int64_t batch) {
    Sequential model({Input({4}), Dense(300), Dense(2)});
    model.compile("sgd", "mse");
    set_memory_limit(memory_info().used + (std::int64_t{4} << 20));
    model.fit(Tensor({100, 4}), Tensor({100, 2}),
              {.batch_size = batch, .verbose = 0, .validation_data = {Tensor({9000, 4}), Tensor({9000, 2})}});
  };
  expect_the_largest(fit, 8000, "fit", "batch_size", 100);
}

}  // namespace
}  // namespace keratin
