// Recurrent layers on a simulated GPU: as cuDNN's, and as loops.
#include "tests/backends/cpu/run_op.h"
#include "tests/backends/cuda/simulated_gpu.h"

namespace keratin::testing {
namespace {

// Sequences of `length` steps of 3 numbers; 7 samples of 5 units, so that steps of sequences are not aligned as slots.
Sequential recurrent_model(std::int64_t length) {
  set_random_seed(7);
  reset_names();
  Sequential model({Input({length, 3}), Masking({.mask_value = 0.5}),
                    Bidirectional(LSTM(5, {.return_sequences = true})), GRU(3, {.return_sequences = true}),
                    SimpleRNN(5, {.go_backwards = true}), Dense(2)});
  model.compile(optimizers::Adam({.learning_rate = 0.02}), "mse");
  return model;
}

Trained train_loops(const std::string& device) {
  const DeviceScope scope(device);
  Sequential model = recurrent_model(6);
  Tensor x = cpu_test::random_tensor({18, 6, 3}, DType::float32, -1, 1, 5);
  for (std::size_t i = 0; i < 18 * 18; ++i) {
    if (i / 18 % 3 == 0 && i % 18 >= 12) x.values<float>()[i] = 0.5f;  // masked
  }
  const Tensor y = cpu_test::random_tensor({18, 2}, DType::float32, -1, 1, 6);
  const History history = model.fit(x, y, {.batch_size = 7, .epochs = 4, .verbose = 0});
  return {all_weights(model), model.predict(x, {.verbose = 0}).to_vector<float>(), history["loss"]};
}

// The placement log of a training step.
std::string placement_of_loops(const std::string& device, std::int64_t length) {
  const DeviceScope scope(device);
  Sequential model = recurrent_model(length);
  return placement_of([&] {
    model.train_on_batch(cpu_test::random_tensor({7, length, 3}), cpu_test::random_tensor({7, 2}));
  });
}

TEST_F(SimulatedGpu, LoopsTrainLikeOnTheCpu) {
  const Trained expected = train_loops("cpu");
  for (const char* faults : {"no_cudnn", "no_cudnn,no_epilogue,blas_fails=0", "no_cudnn,capture_fails"}) {
    SCOPED_TRACE("with '" + std::string(faults) + "'");
    const Gpu gpu(faults);
    expect_like(train_loops(gpu.device()), expected);
  }
  const Gpu gpu("no_cudnn");
  const Trained replayed = train_loops(gpu.device());
  expect_same_bits(train_loops(gpu.device()), replayed);
  const ScopedEnvironment eager("KERATIN_CUDA_GRAPH", "0");
  expect_same_bits(train_loops(Gpu("no_cudnn").device()), replayed);
}

TEST_F(SimulatedGpu, LoopsAreAsLongAsTheyLikeInAPlanOfOneSize) {
  const Gpu gpu("no_cudnn");
  const std::string few = placement_of_loops(gpu.device(), 3), many = placement_of_loops(gpu.device(), 40);
  const auto steps = [](const std::string& text) { return text.substr(0, text.find(" steps\n")); };
  EXPECT_EQ(steps(few), steps(many)) << few << many;
  EXPECT_NE(few.find("loop of 3 steps"), std::string::npos) << few;
  EXPECT_NE(many.find("loop of 40 steps"), std::string::npos) << many;
  EXPECT_NE(many.find("elementwise at once"), std::string::npos) << many;
  EXPECT_EQ(many.find("copy bool"), std::string::npos) << many;  // masks are there already
  EXPECT_EQ(many.find("; where"), std::string::npos) << many;    // and are asked for where values are computed
  // What the gradient asks of a carry lies where the next step looks for the carry: nothing is copied.
  EXPECT_NE(many.find("2 kernels in each: cublasLt 7x20x5 float32; "), std::string::npos) << many;
}

// Convolutions in a loop: by cuDNN where the steps' addresses are multiples of 16 bytes, as products where not.
TEST_F(SimulatedGpu, ConvolutionsInLoops) {
  const auto trained = [](const std::string& device, std::string* placement) {
    const DeviceScope scope(device);
    set_random_seed(7);
    reset_names();
    Sequential model({Input({4, 5, 5, 2}), ConvLSTM2D(3, {3, 3}, {.padding = "same", .return_sequences = true}),
                      ConvLSTM2D(4, {2, 2}), GlobalAveragePooling2D()});
    model.compile("adam", "mse");
    std::string told;
    set_log_handler([&](LogLevel level, std::string_view text) {
      told += text;
      watch_warnings(level, text);
    });
    set_log_device_placement(placement != nullptr);
    const Tensor x = cpu_test::random_tensor({6, 4, 5, 5, 2}, DType::float32, -1, 1, 5);
    const History history = model.fit(x, cpu_test::random_tensor({6, 4}), {.batch_size = 3, .epochs = 3, .verbose = 0});
    set_log_device_placement(false);
    set_log_handler(usual_log_handler());
    if (placement) *placement = told;
    return Trained{all_weights(model), model.predict(x, {.verbose = 0}).to_vector<float>(), history["loss"]};
  };
  const Gpu gpu("");
  std::string placement;
  expect_like(trained(gpu.device(), &placement), trained("cpu", nullptr));
  EXPECT_NE(placement.find("loop of 4 steps"), std::string::npos) << placement;
  EXPECT_NE(placement.find("cudnn engine"), std::string::npos) << placement;
  EXPECT_NE(placement.find("windows as rows"), std::string::npos) << placement;
}

struct RecurrentCase {
  const char* name;
  Layer (*make)();
  const char* by;  // what trains it; empty when that is none of cuDNN's
};
constexpr RecurrentCase kRecurrentCases[] = {
    {"lstm", [] { return Layer(LSTM(4)); }, "cuDNN LSTM"},
    {"lstm, dropout", [] { return Layer(LSTM(4, {.dropout = 0.3, .seed = 5, .return_sequences = true})); },
     "cuDNN LSTM"},
    {"lstm, backwards",
     [] { return Layer(LSTM(4, {.use_bias = false, .return_sequences = true, .go_backwards = true})); }, "cuDNN LSTM"},
    {"lstm, stateful", [] { return Layer(LSTM(4, {.stateful = true})); }, "cuDNN LSTM"},
    {"gru", [] { return Layer(GRU(4, {.return_sequences = true})); }, "cuDNN GRU"},
    {"gru, backwards", [] { return Layer(GRU(4, {.use_bias = false, .go_backwards = true})); }, "cuDNN GRU"},
    {"bidirectional", [] { return Layer(Bidirectional(GRU(3, {.return_sequences = true}))); }, "cuDNN GRU"},
    {"cell", [] { return Layer(RNN(LSTMCell(4))); }, "cuDNN LSTM"},
    // What cuDNN does not compute.
    {"gru, reset before", [] { return Layer(GRU(4, {.reset_after = false})); }, ""},
    {"lstm, relu", [] { return Layer(LSTM(4, {.activation = "relu"})); }, ""},
    {"lstm, its own tanh",
     [] { return Layer(LSTM(4, {.activation = ActivationFunction([](const Value& x) { return x * 0.5; }, "tanh")})); },
     ""},
    {"lstm, recurrent dropout", [] { return Layer(LSTM(4, {.recurrent_dropout = 0.3, .seed = 5})); }, ""},
    {"cells",
     [] {
       return Layer(RNN({LSTMCell(3), GRUCell(4)}));
     },
     ""},
};

Trained train_recurrent(const std::string& device, const RecurrentCase& c) {
  const DeviceScope scope(device);
  set_random_seed(7);
  reset_names();
  Sequential model({Input({5, 3}, {.batch_size = 8}), c.make(), Flatten(), Dense(2)});
  model.compile(optimizers::SGD({.learning_rate = 0.1}), "mse");
  const Tensor x = cpu_test::random_tensor({24, 5, 3}, DType::float32, -1, 1, 5);
  const Tensor y = cpu_test::random_tensor({24, 2}, DType::float32, -1, 1, 6);
  const History history = model.fit(x, y, {.batch_size = 8, .epochs = 3, .verbose = 0, .shuffle = false});
  return {all_weights(model), model.predict(x, {.batch_size = 8, .verbose = 0}).to_vector<float>(), history["loss"]};
}

TEST_F(SimulatedGpu, RecurrentLayersTrainLikeOnTheCpu) {
  for (const char* faults : {"", "no_rnn", "no_cudnn"}) {
    const Gpu gpu(faults);
    const bool supported = *faults == 0;
    for (const RecurrentCase& c : kRecurrentCases) {
      SCOPED_TRACE(std::string(c.name) + " with '" + faults + "'");
      const Trained expected = train_recurrent("cpu", c);
      Trained got;
      const std::string placement = placement_of([&] { got = train_recurrent(gpu.device(), c); });
      expect_like(got, expected);
      const bool trains = supported && *c.by != 0;
      EXPECT_EQ(placement.find(", gradient") != placement.npos, trains) << placement;
      // The plan has the forward pass, too, which leaves what the gradient needs.
      EXPECT_EQ(placement.find("forwards again"), placement.npos) << placement;
      if (trains) {
        EXPECT_NE(placement.find(c.by), placement.npos) << placement;
      }
      if (!supported) {
        EXPECT_EQ(placement.find("cuDNN LSTM"), placement.npos) << placement;
        EXPECT_EQ(placement.find("cuDNN GRU"), placement.npos) << placement;
      }
      EXPECT_EQ(placement.find("could not be captured"), placement.npos) << placement;
    }
  }
}

// The same on a real one, where there is one.
TEST(RealGpu, RecurrentLayersTrainLikeOnTheCpu) {
  const std::vector<DeviceInfo> gpus = list_physical_devices("GPU");
  if (gpus.empty()) GTEST_SKIP() << "no GPU: " << gpu_unavailable_reason();
  if (gpus[0].versions.back().second.find("not used") != std::string::npos) GTEST_SKIP() << "no cuDNN";
  set_float32_precision(Precision::highest);
  for (const RecurrentCase& c : kRecurrentCases) {
    SCOPED_TRACE(c.name);
    Trained got;
    const std::string placement = placement_of([&] { got = train_recurrent(gpus[0].name, c); });
    expect_like(got, train_recurrent("cpu", c));
    EXPECT_NE(placement.find(c.by), placement.npos) << placement;
    EXPECT_EQ(placement.find("could not be captured"), placement.npos) << placement;
  }
}

TEST_F(SimulatedGpu, ARefusedRecurrentLayerIsTold) {
  const Gpu gpu("no_rnn");
  const std::string placement = placement_of([&] { train_recurrent(gpu.device(), kRecurrentCases[0]); });
  EXPECT_NE(placement.find(
                "cuDNN refuses a recurrent layer, which runs as a loop and slower: cuda: cudnnGetRNNTempSpaceSizes"),
            placement.npos)
      << placement;
}

// Weights have their places in whatever weight space; a cuDNN that wants to see one gets it.
TEST_F(SimulatedGpu, ARecurrentLayerAsksForItsWeightsPlacesInRealMemoryToo) {
  const RecurrentCase& c = kRecurrentCases[0];
  const Trained usual = train_recurrent(Gpu("").device(), c);
  const Gpu gpu("rnn_looks_at_addresses");
  Trained asked;
  const std::string placement = placement_of([&] { asked = train_recurrent(gpu.device(), c); });
  EXPECT_NE(placement.find("cuDNN LSTM"), placement.npos) << placement;
  expect_same_bits(asked, usual);
}

TEST_F(SimulatedGpu, RecurrentLayersReplayAndRepeatBitForBit) {
  const RecurrentCase& c = kRecurrentCases[2];
  const Gpu gpu("");
  const Trained replayed = train_recurrent(gpu.device(), c);
  expect_same_bits(train_recurrent(gpu.device(), c), replayed);
  const ScopedEnvironment eager("KERATIN_CUDA_GRAPH", "0");
  expect_same_bits(train_recurrent(Gpu("").device(), c), replayed);
}

// cuDNN makes several launches for a step of the sequence, which a graph would have as nodes.
TEST_F(SimulatedGpu, ALongRecurrentLayerIsNotCaptured) {
  const Gpu gpu("");
  const DeviceScope scope(gpu.device());
  for (const std::int64_t time : {100, 12000}) {
    const std::string told = placement_of([&] {
      Sequential({Input({time, 1}), LSTM(1)}).predict(Tensor(Shape{1, time, 1}, DType::float32), {.verbose = 0});
    });
    EXPECT_NE(told.find("cuDNN LSTM, " + std::to_string(time) + " steps"), told.npos) << told;
    EXPECT_EQ(told.find("too many for a CUDA graph") != told.npos, time > 10922) << told;
  }
}

// Masks are the loop's own; sequences that are too long for cuDNN, too. Tensor cores come with the precision.
TEST_F(SimulatedGpu, RecurrentLayersTellHowTheyAreComputed) {
  const Gpu gpu("");
  const DeviceScope scope(gpu.device());
  const auto placement = [](const Sequential& model, const Shape& shape) {
    return placement_of([&] { Sequential(model).predict(Tensor(shape), {.verbose = 0}); });
  };
  const std::string plain = placement(Sequential({Input({5, 3}), LSTM(4)}), {2, 5, 3});
  EXPECT_NE(plain.find("cuDNN LSTM, 5 steps of 2x3 -> 2x4, standard algorithm"), plain.npos) << plain;
  EXPECT_EQ(plain.find("tf32"), plain.npos) << plain;
  const std::string masked = placement(Sequential({Input({5, 3}), Masking(), LSTM(4)}), {2, 5, 3});
  EXPECT_EQ(masked.find("cuDNN"), masked.npos) << masked;
  {
    const ScopedEnvironment loops("KERATIN_CUDA_RNN", "0");
    const std::string loop = placement(Sequential({Input({5, 3}), LSTM(4)}), {2, 5, 3});
    EXPECT_EQ(loop.find("cuDNN"), loop.npos) << loop;
  }
  set_float32_precision(Precision::high);
  const std::string fast = placement(Sequential({Input({5, 3}), GRU(4)}), {2, 5, 3});
  set_float32_precision(Precision::highest);
  EXPECT_NE(fast.find("tf32 allowed"), fast.npos) << fast;
}

}  // namespace
}  // namespace keratin::testing
