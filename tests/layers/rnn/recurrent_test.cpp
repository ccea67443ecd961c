// What recurrent layers do beyond single calls, which are compared with Keras in goldens_test.cpp: states from batch to
// batch and from layer to layer, dropout, masks on their way through a model, errors.
#include <algorithm>
#include <cmath>

#include "keratin/keratin.h"
#include "tests/support/expect_error.h"
#include "tests/support/layer_program.h"
#include "tests/support/modules.h"

namespace keratin {
namespace {

using testing::expect_error;
using testing::LayerProgram;

Tensor numbers(const Shape& shape, int salt = 0) {
  Tensor result(shape);
  std::int64_t i = salt;
  for (float& x : result.values<float>()) x = static_cast<float>(i++ * 37 % 41) / 20 - 1;
  return result;
}

// Steps [first, last) of (n, time, features).
Tensor steps(const Tensor& x, std::int64_t first, std::int64_t last) {
  return Tensor(ops::slice(x, {0, first, 0}, {-1, last - first, -1}));
}

void expect_equal(const Tensor& got, const Tensor& expected, double tolerance = 2e-6) {
  ASSERT_EQ(got.shape(), expected.shape());
  const auto a = got.to_vector<float>(), b = expected.to_vector<float>();
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], tolerance) << "element " << i;
}

struct StatefulCase {
  std::string name;
  Layer stateful, stateless;
};
std::vector<StatefulCase> stateful_cases() {
  return {{"SimpleRNN", SimpleRNN(4, {.return_sequences = true, .stateful = true}),
           SimpleRNN(4, {.return_sequences = true})},
          {"LSTM", LSTM(4, {.return_sequences = true, .stateful = true}), LSTM(4, {.return_sequences = true})},
          {"GRU", GRU(4, {.return_sequences = true, .stateful = true}), GRU(4, {.return_sequences = true})},
          {"RNN of cells", RNN({LSTMCell(3), GRUCell(4)}, {.return_sequences = true, .stateful = true}),
           RNN({LSTMCell(3), GRUCell(4)}, {.return_sequences = true})}};
}

TEST(StatefulLayers, GoOnWhereTheBatchBeforeEnded) {
  for (const StatefulCase& c : stateful_cases()) {
    SCOPED_TRACE(c.name);
    Sequential stateful({Input({kUnknown, 3}, {.batch_size = 2}), c.stateful});
    Sequential whole({Input({kUnknown, 3}), c.stateless});
    whole.set_weights(stateful.get_weights());
    const Tensor x = numbers({2, 7, 3});
    const Tensor y = whole.predict_on_batch(x);
    for (int round = 0; round < 2; ++round) {
      expect_equal(stateful.predict_on_batch(steps(x, 0, 4)), steps(y, 0, 4));
      expect_equal(stateful.predict_on_batch(steps(x, 4, 7)), steps(y, 4, 7));
      stateful.reset_state();
    }
    // Evaluation and training keep the states, too.
    stateful.compile(optimizers::SGD({.learning_rate = 0.0}), "mse");
    stateful.train_on_batch(steps(x, 0, 2), steps(y, 0, 2));
    stateful.test_on_batch(steps(x, 2, 4), steps(y, 2, 4));
    expect_equal(stateful.predict_on_batch(steps(x, 4, 7)), steps(y, 4, 7));
  }
}

TEST(StatefulLayers, KeepOneStateForEachRow) {
  expect_error<InvalidArgument>(
      [] {
        Sequential({Input({5, 3}), LSTM(2, {.stateful = true, .name = "memory"})});
      },
      {"memory", "batch_size"});
  Sequential model({Input({5, 3}, {.batch_size = 2}), GRU(2, {.stateful = true})});
  EXPECT_THROW(model.predict_on_batch(numbers({3, 5, 3})), InvalidArgument);
}

TEST(States, OfOneLayerBeginAnother) {
  std::vector<std::pair<Layer, Layer>> pairs = {
      {SimpleRNN(4, {.return_sequences = true, .return_state = true}), SimpleRNN(4, {.return_sequences = true})},
      {LSTM(4, {.return_sequences = true, .return_state = true}), LSTM(4, {.return_sequences = true})},
      {GRU(4, {.return_sequences = true, .return_state = true, .reset_after = false}),
       GRU(4, {.return_sequences = true, .reset_after = false})},
      {RNN({GRUCell(3), LSTMCell(4)}, {.return_sequences = true, .return_state = true}),
       RNN({GRUCell(3), LSTMCell(4)}, {.return_sequences = true})}};
  for (auto& [encoder, decoder] : pairs) {
    SCOPED_TRACE(encoder.class_name());
    const Input x({4, 3}), later({2, 3});
    const Values encoded = encoder.call({x});
    Values arguments = {later};
    arguments.insert(arguments.end(), encoded.begin() + 1, encoded.end());
    Model model(Values{x, later}, Values{encoded[0], decoder.call(arguments)[0]});
    decoder.set_weights(encoder.get_weights());
    const Tensor all = numbers({2, 6, 3});
    const std::vector<Tensor> y = model.predict_all({steps(all, 0, 4), steps(all, 4, 6)});
    // The same layer over all steps at once.
    const Input z({6, 3});
    const Tensor expected = Model(z, encoder.call({z})[0]).predict_on_batch(all);
    expect_equal(y[0], steps(expected, 0, 4));
    expect_equal(y[1], steps(expected, 4, 6));
  }
}

TEST(States, BackwardsTheyAreThoseOfTheFirstStep) {
  const Layer backwards = LSTM(3, {.return_sequences = true, .return_state = true, .go_backwards = true});
  const Input x({5, 2});
  Model model(Values{x}, backwards.call({x}));
  const std::vector<Tensor> y = model.predict_all(numbers({2, 5, 2}));
  // The outputs come in the order in which they were computed.
  expect_equal(Tensor(ops::reshape(steps(y[0], 4, 5), {2, 3})), y[1]);
}

// A layer and its gradient compose the same loop, each for itself: one loop forwards and one backwards is left of them.
TEST(RecurrentLayers, GoForwardsAndBackwardsOnceOnTheCpu) {
  const DeviceScope scope("cpu");
  for (const auto& [layer, loops] : {std::pair<Layer, int>{LSTM(4), 2},
                                     {LSTM(4, {.return_sequences = true, .go_backwards = true}), 2},
                                     {GRU(4), 2},
                                     {GRU(4, {.reset_after = false}), 2},
                                     {Bidirectional(LSTM(4, {.return_sequences = true})), 4}}) {
    SCOPED_TRACE(layer.name());
    Sequential model({Input({5, 3}), layer, Flatten(), Dense(2)});
    model.compile("adam", "mse");
    std::string placement;
    set_log_device_placement(true);
    set_log_handler([&](LogLevel, std::string_view text) { placement += text; });
    model.train_on_batch(numbers({4, 5, 3}), numbers({4, 2}));
    set_log_handler({});
    set_log_device_placement(false);
    int found = 0;
    for (std::size_t at = 0; (at = placement.find("\n  scan ", at)) != placement.npos; ++at) ++found;
    EXPECT_EQ(found, loops) << placement;
  }
}

class RecurrentDropout : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::have_modules()) GTEST_SKIP() << "a static build has no backend modules";
  }
  // Outputs (rows, time, units) of a layer in training on ones.
  static Tensor in_training(Layer layer, const std::vector<Tensor>& weights, std::int64_t step = 0) {
    const Tensor ones = Tensor::full({64, 3, 32}, 1, DType::float64);
    LayerProgram program(layer, {{ones.shape(), DType::float64}}, Phase::train, testing::reference_device());
    layer.set_weights(weights);
    program.set_step(step);
    return program.run({ones}, Tensor(program.output().shape, DType::float64)).output;
  }
  static Tensor eye() {
    Tensor result({32, 32});
    for (std::size_t i = 0; i < 32; ++i) result.values<float>()[i * 33] = 1;
    return result;
  }
  // y_t = x_t·kernel + h_(t-1)·recurrent, each times its dropout mask.
  static Layer linear(double dropout, double recurrent_dropout, std::uint64_t seed) {
    return SimpleRNN(32, {.activation = "linear",
                          .use_bias = false,
                          .dropout = dropout,
                          .recurrent_dropout = recurrent_dropout,
                          .return_sequences = true,
                          .seed = seed});
  }
};

TEST_F(RecurrentDropout, OfInputsIsOneMaskForAllSteps) {
  const std::vector<Tensor> weights = {eye(), Tensor({32, 32})};
  const auto y = in_training(linear(0.25, 0, 5), weights).to_vector<double>();
  int zeros = 0;
  for (std::size_t row = 0; row < 64; ++row) {
    for (std::size_t unit = 0; unit < 32; ++unit) {
      const double first = y[row * 96 + unit];
      zeros += first == 0 ? 1 : 0;
      EXPECT_TRUE(first == 0 || std::abs(first - 1 / 0.75) < 1e-12) << first;
      for (std::size_t step = 1; step < 3; ++step) EXPECT_EQ(y[row * 96 + step * 32 + unit], first);
    }
  }
  EXPECT_NEAR(zeros, 512, 80);  // four standard deviations
  EXPECT_EQ(in_training(linear(0.25, 0, 5), weights).to_vector<double>(), y);
  EXPECT_NE(in_training(linear(0.25, 0, 6), weights).to_vector<double>(), y);
  EXPECT_NE(in_training(linear(0.25, 0, 5), weights, 1).to_vector<double>(), y);
}

TEST_F(RecurrentDropout, OfStatesIsOneMaskForAllSteps) {
  // y_1 = 1, y_2 = 1 + m·1, y_3 = 1 + m·y_2 with a mask m of 0 and 2.
  const auto y = in_training(linear(0, 0.5, 5), {eye(), eye()}).to_vector<double>();
  int zeros = 0;
  for (std::size_t row = 0; row < 64; ++row) {
    for (std::size_t unit = 0; unit < 32; ++unit) {
      const double* steps = &y[row * 96 + unit];
      const double m = steps[32] - 1;
      zeros += m == 0 ? 1 : 0;
      EXPECT_TRUE(m == 0 || m == 2) << m;
      EXPECT_EQ(steps[0], 1);
      EXPECT_EQ(steps[64], 1 + m * steps[32]);
    }
  }
  EXPECT_NEAR(zeros, 1024, 100);
}

// A model whose rows are padded must give for each row what it gives for the row alone.
struct MaskedCase {
  std::string name;
  std::function<std::vector<Layer>()> layers;
  bool sequences = false;  // whether the output has a step for each of the input
};
std::vector<MaskedCase> masked_cases() {
  return {
      {"LSTM", [] { return std::vector<Layer>{LSTM(4)}; }},
      {"GRU", [] { return std::vector<Layer>{GRU(4, {.reset_after = false})}; }},
      {"stacked layers",
       [] {
         return std::vector<Layer>{GRU(4, {.return_sequences = true}), SimpleRNN(3)};
       }},
      {"stacked cells",
       [] {
         return std::vector<Layer>{RNN({LSTMCell(3), GRUCell(4)})};
       }},
      {"Bidirectional", [] { return std::vector<Layer>{Bidirectional(LSTM(4))}; }},
      {"Bidirectional with sequences",
       [] { return std::vector<Layer>{Bidirectional(GRU(4, {.return_sequences = true}), {.merge_mode = "sum"})}; },
       true},
      {"Bidirectional twice",
       [] {
         return std::vector<Layer>{Bidirectional(GRU(4, {.return_sequences = true})), Bidirectional(LSTM(4))};
       }},
      {"through layers without states",
       [] {
         return std::vector<Layer>{TimeDistributed(Dense(5, {.activation = "tanh"})),
                                   Dropout(0.5),
                                   LayerNormalization(),
                                   Activation("tanh"),
                                   Dense(4),
                                   LSTM(3)};
       }},
      {"through a model",
       [] {
         return std::vector<Layer>{Sequential({Input({kUnknown, 2}), SimpleRNN(4, {.return_sequences = true})}),
                                   LSTM(3)};
       }},
  };
}

TEST(Masks, MakePaddedRowsWhatTheyAreAlone) {
  const Tensor x = numbers({3, 5, 2});
  const std::vector<std::int64_t> lengths = {3, 5, 1};
  Tensor padded = x.clone();
  for (std::size_t row = 0; row < lengths.size(); ++row) {
    const auto values = padded.values<float>().subspan(row * 10, 10);
    std::fill(values.begin() + lengths[row] * 2, values.end(), 0.0f);
  }
  for (const MaskedCase& c : masked_cases()) {
    SCOPED_TRACE(c.name);
    const std::vector<Layer> layers = c.layers();
    std::vector<Layer> all = {Input({kUnknown, 2}), Masking()};
    all.insert(all.end(), layers.begin(), layers.end());
    Sequential model(all);
    const Tensor y = model.predict_on_batch(padded);
    for (std::size_t row = 0; row < lengths.size(); ++row) {
      const auto first = static_cast<std::int64_t>(row);
      const Tensor alone = Tensor(ops::slice(x, {first, 0, 0}, {1, lengths[row], -1}));
      const Tensor expected = model.predict_on_batch(alone);
      Tensor got = y.rows(first, first + 1);
      if (c.sequences) got = steps(got, 0, lengths[row]);
      expect_equal(got, expected);
    }
  }
}

TEST(Masks, OfWordsInSentencesReachTheInnerLayer) {
  // (n, sentences, words) -> a vector for each sentence, of its words that are not padding.
  const Input ids({3, 4}, {.dtype = DType::int32});
  const Embedding embed(7, 2, {.mask_zero = true});
  const Layer encode = LSTM(3);
  Model model(ids, TimeDistributed(encode)(embed(ids)));
  const Tensor padded({1, 3, 4}, {3, 5, 0, 0, 1, 2, 6, 4, 2, 0, 0, 0});
  const Tensor y = model.predict_on_batch(padded);
  const Input words({kUnknown}, {.dtype = DType::int32});
  Model alone(words, encode(embed(words)));
  const std::vector<Tensor> sentences = {Tensor({1, 2}, {3, 5}), Tensor({1, 4}, {1, 2, 6, 4}), Tensor({1, 1}, {2})};
  for (std::int64_t i = 0; i < 3; ++i) {
    expect_equal(Tensor(ops::reshape(steps(y, i, i + 1), {1, 3})),
                 alone.predict_on_batch(sentences[static_cast<std::size_t>(i)]));
  }
}

TEST(Masks, ThatALayerDoesNotUseAreToldOnce) {
  std::string told;
  set_log_handler([&](LogLevel level, std::string_view text) {
    if (level == LogLevel::warning) told += std::string(text) + "\n";
  });
  Sequential model({Input({4, 2}), Masking(), Flatten({.name = "flat"}), Dense(3)});
  model.predict_on_batch(numbers({2, 4, 2}));
  model.predict_on_batch(numbers({3, 4, 2}));
  set_log_handler(nullptr);
  EXPECT_NE(told.find("flat (Flatten): its input has a mask"), std::string::npos) << told;
  EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 1) << told;
}

TEST(RecurrentLayers, RefuseNonsense) {
  expect_error<InvalidArgument>(
      [] {
        ConvLSTM2D(2, 5)(Input({4, 3, 8, 1}));
      },
      {"ConvLSTM2D", "{5, 5} does not fit a step of shape"});
  expect_error<InvalidArgument>(
      [] {
        ConvLSTM1D(2, 2, {.stateful = true})(Input({4, kUnknown, 1}, {.batch_size = 2}));
      },
      {"known sizes"});
  expect_error<InvalidArgument>([] { ConvLSTM2D(2, 3, {.strides = 2, .dilation_rate = 2}); }, {"strides"});
  expect_error<InvalidArgument>([] { EinsumDense("...,bc->...c", {}); }, {"EinsumDense", "equation"});
  expect_error<InvalidArgument>([] { EinsumDense("ab,bc->ac", {3, 4}); }, {"output_shape must have 1"});
  expect_error<InvalidArgument>([] { LSTM(0); }, {"units", "positive", "0"});
  expect_error<InvalidArgument>([] { GRU(3, {.dropout = 1.5}); }, {"dropout", "between 0 and 1", "1.5"});
  expect_error<InvalidArgument>([] { RNN(Dense(3)); }, {"RNN: expected a cell", "Dense"});
  expect_error<InvalidArgument>([] { StackedRNNCells({}); }, {"at least one cell"});
  expect_error<InvalidArgument>([] { StackedRNNCells({LSTM(3)}); }, {"expected a cell", "LSTM"});
  expect_error<InvalidArgument>([] { Bidirectional(Dense(3)); }, {"expected a recurrent layer", "Dense"});
  expect_error<InvalidArgument>([] { Bidirectional(LSTM(3), {.merge_mode = "concta"}); },
                                {"merge_mode", "did you mean 'concat'?"});
  expect_error<InvalidArgument>([] { Bidirectional(LSTM(3), {.backward_layer = LSTM(3)}); }, {"go_backwards"});
  expect_error<InvalidArgument>(
      [] { Bidirectional(LSTM(3), {.backward_layer = LSTM(3, {.return_sequences = true, .go_backwards = true})}); },
      {"return_sequences"});
  const Input x({5, 2}), state({4});
  expect_error<InvalidArgument>(
      [&] {
        LSTM(3, {.name = "l"})
        (Dense(3)(Input({2})));
      },
      {"l (LSTM)", "(n, time, features)", "(None, 3)"});
  expect_error<InvalidArgument>(
      [&] {
        LSTM(4, {.name = "l"}).call({x, state});
      },
      {"l (LSTM)", "2 initial states", "2 inputs"});
  expect_error<InvalidArgument>(
      [&] {
        GRU(3, {.name = "g"}).call({x, state});
      },
      {"g (GRU)", "initial state 0", "(n, 3)", "(None, 4)"});
  expect_error<InvalidArgument>([&] { TimeDistributed(Dense(3), {.name = "t"})(state); }, {"t (TimeDistributed)"});
  expect_error<InvalidArgument>([&] { Masking({.name = "m"})(Input({})); }, {"m (Masking)"});
}

}  // namespace
}  // namespace keratin
