// The CUDA backend on a simulated GPU: whole models against the CPU, with libraries that refuse one thing or another.
#include <gtest/gtest-spi.h>

#include <cstring>
#include <sstream>

#include "keratin/core/compiler/passes.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/tensor/errors.h"
#include "tests/backends/cpu/run_op.h"
#include "tests/backends/cuda/simulated_gpu.h"
#include "tests/support/hand_made_plan.h"
#include "tests/support/op_runner.h"

namespace keratin::testing {
namespace {

TEST(SimulatedGpuDefaults, ComputesInTf32UnlessAskedForMore) {
  if (!have_simulated_gpu()) GTEST_SKIP() << "this build has no backend modules";
  // A process of its own: what was set cannot be taken back.
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  EXPECT_EXIT(
      {
        const Gpu gpu("");
        const bool cpu = float32_precision() == Precision::highest;
        const DeviceScope scope(gpu.device());
        std::exit(cpu && compile_options().precision == Precision::high ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

Trained train_mlp(const std::string& device) {
  const DeviceScope scope(device);
  Sequential model = compiled_model();
  const SmallData data = small_data(70);  // two batches of 32 and a shorter one
  const History history = model.fit(data.x, data.y, {.batch_size = 32, .epochs = 4, .verbose = 0});
  return {all_weights(model), model.predict(data.x, {.verbose = 0}).to_vector<float>(), history["loss"]};
}

Trained train_cnn(const std::string& device) {
  const DeviceScope scope(device);
  set_random_seed(7);
  Sequential model({Input({9, 9, 2}), Conv2D(4, {3, 3}, {.padding = "same", .activation = "relu"}),
                    MaxPooling2D({2, 2}), Conv2D(6, {3, 3}, {.strides = {2, 2}, .padding = "same", .use_bias = false}),
                    BatchNormalization(), Activation("relu"), Dropout(0.25), GlobalAveragePooling2D(), Dense(3)});
  model.compile(optimizers::SGD({.learning_rate = 0.05, .momentum = 0.9}),
                losses::SparseCategoricalCrossentropy({.from_logits = true}));
  const Tensor x = cpu_test::random_tensor({20, 9, 9, 2}, DType::float32, -1, 1, 5);
  Tensor y({20}, DType::int32);
  for (std::size_t i = 0; i < 20; ++i) y.values<std::int32_t>()[i] = static_cast<std::int32_t>(i % 3);
  const History history = model.fit(x, y, {.batch_size = 8, .epochs = 3, .verbose = 0});
  return {all_weights(model), model.predict(x, {.verbose = 0}).to_vector<float>(), history["loss"]};
}

// Every way in which the libraries may say no.
TEST_F(SimulatedGpu, ModelsTrainLikeOnTheCpu) {
  const Trained mlp = train_mlp("cpu"), cnn = train_cnn("cpu");
  for (const char* faults :
       {"", "no_cudnn", "no_epilogue", "epilogue_fails", "blas_fails=0", "dnn_fails=4", "dnn_always_fails",
        "dnn_no_engines", "dnn_rejects=4", "capture_fails", "no_cudnn,no_epilogue,blas_fails=0"}) {
    SCOPED_TRACE("with '" + std::string(faults) + "'");
    const Gpu gpu(faults);
    ASSERT_NE(gpu.loaded().module, nullptr) << gpu.loaded().reason;
    expect_like(train_mlp(gpu.device()), mlp);
    expect_like(train_cnn(gpu.device()), cnn);
  }
}

TEST_F(SimulatedGpu, SaysThatNoEngineOfCudnnWorks) {
  const Gpu gpu("dnn_always_fails");
  std::string told;
  set_log_handler([&](LogLevel level, std::string_view text) {
    if (level == LogLevel::warning) told += text;
  });
  train_cnn(gpu.device());
  set_log_handler(usual_log_handler());
  for (const char* what : {"conv 8x9x9x2", "conv input gradient ", "conv kernel gradient "}) {
    const std::size_t at = told.find(what);
    ASSERT_NE(at, std::string::npos) << what << " is not in: " << told;
    EXPECT_NE(told.find("every engine of cuDNN failed (", at), std::string::npos) << told;
  }
  EXPECT_NE(told.find("cudnnBackendExecute of a convolution"), std::string::npos) << told;
}

// In a capture that has failed every call of a library fails, whatever its algorithm.
TEST_F(SimulatedGpu, AFailedCaptureChoosesNoOtherAlgorithms) {
  const Gpu gpu("capture_fails");
  std::string told;
  set_log_handler([&](LogLevel, std::string_view text) { told += text; });
  train_cnn(gpu.device());
  EXPECT_NE(told.find("could not be captured as a CUDA graph and runs step by step"), std::string::npos) << told;
  EXPECT_EQ(told.find("every engine of cuDNN failed"), std::string::npos) << told;
  told.clear();
  set_log_device_placement(true);
  train_cnn(gpu.device());
  set_log_device_placement(false);
  set_log_handler(usual_log_handler());
  EXPECT_NE(told.find("cudnn engine 2, "), std::string::npos) << told;
  EXPECT_NE(told.find("cublasLt "), std::string::npos) << told;
  EXPECT_EQ(told.find(", proposal "), std::string::npos) << told;
}

TEST_F(SimulatedGpu, TellsWhatTheContextAndTheLibrariesTake) {
  const auto mebibytes = [](std::int64_t n) { return n << 20; };
  const Gpu gpu("");
  // The simulator's context, cuBLASLt and cuDNN, and once it has run, the kernels of cuBLASLt.
  EXPECT_EQ(memory_info(gpu.device()).overhead, mebibytes(256 + 32 + 64));
  train_mlp(gpu.device());
  train_mlp(gpu.device());
  const MemoryInfo now = memory_info(gpu.device());
  EXPECT_EQ(now.overhead, mebibytes(256 + 32 + 64 + 8));
  EXPECT_EQ(now.total - now.free, now.used + now.overhead);
  // Without NVML the context is made before anything can be asked.
  const Gpu blind("no_nvml");
  EXPECT_EQ(memory_info(blind.device()).overhead, 0);
}

// Data that the device's memory does not hold comes batch by batch, in the order it would have there.
TEST_F(SimulatedGpu, StreamsDataThatDoesNotFit) {
  const Gpu gpu("");
  const DeviceScope scope(gpu.device());
  const Tensor x = cpu_test::random_tensor({1000, 40}, DType::float32, -1, 1, 3);
  const Tensor y = cpu_test::random_tensor({1000, 3}, DType::float32, -1, 1, 4);
  const auto trained = [&](std::int64_t room, int& messages) {
    set_random_seed(7);
    reset_names();
    Sequential model({Input({40}), Dense(4, {.activation = "tanh"}), Dropout(0.1), Dense(3)});
    model.compile("adam", "mse");
    set_memory_limit(memory_info().used + room);
    set_log_handler([&](LogLevel level, std::string_view text) {
      messages += text.find("one by one") != text.npos;
      watch_warnings(level, text);
    });
    const History history = model.fit(x, y, {.batch_size = 64, .epochs = 3, .verbose = 0, .validation_split = 0.3});
    Trained result{all_weights(model), model.predict(x, {.verbose = 0}).to_vector<float>(), history["loss"]};
    const std::vector<double> validation = history["val_loss"];
    result.losses.insert(result.losses.end(), validation.begin(), validation.end());
    set_log_handler(usual_log_handler());
    set_memory_limit(0);
    return result;
  };
  int resident_messages = 0, streamed_messages = 0;
  const Trained resident = trained(std::int64_t{64} << 20, resident_messages);
  const Trained streamed = trained(80 << 10, streamed_messages);  // the data takes 168 KiB, a batch 11
  EXPECT_EQ(resident_messages, 0);
  EXPECT_GE(streamed_messages, 2);  // fit and predict
  expect_same_bits(streamed, resident);
}

TEST_F(SimulatedGpu, BenchmarksStreamDataThatDoesNotFit) {
  const Gpu gpu("");
  Sequential model({Input({40}), Dense(4, {.activation = "tanh"}), Dense(3)});
  model.compile("adam", "mse");
  const Tensor x({1000, 40}), y({1000, 3});
  int told = 0;
  {
    const DeviceScope scope(gpu.device());
    set_memory_limit(memory_info().used + (80 << 10));  // the data takes 168 KiB
    set_log_handler([&](LogLevel level, std::string_view text) {
      told += text.find("one by one") != text.npos;
      watch_warnings(level, text);
    });
  }
  const DeviceBenchmark result =
      model.benchmark_devices(x, y, {.batch_size = 64, .seconds = 0.01, .devices = {gpu.device()}});
  set_log_handler(usual_log_handler());
  EXPECT_EQ(result.devices[0].skipped, "");
  EXPECT_GT(result.devices[0].samples_per_second, 0);
  EXPECT_GT(result.devices[0].predicted_per_second, 0);
  EXPECT_GE(told, 1);
}

TEST_F(SimulatedGpu, AReplayedGraphIsTheEagerStepBitForBit) {
  const Gpu gpu("");
  const Trained replayed = train_cnn(gpu.device());
  const ScopedEnvironment eager("KERATIN_CUDA_GRAPH", "0");
  expect_same_bits(train_cnn(Gpu("").device()), replayed);
}

TEST_F(SimulatedGpu, TwoRunsAreTheSameBits) {
  const Gpu gpu("");
  expect_same_bits(train_cnn(gpu.device()), train_cnn(gpu.device()));
  expect_same_bits(train_mlp(gpu.device()), train_mlp(gpu.device()));
}

TEST_F(SimulatedGpu, AFailedCaptureIsToldAndRunsStepByStep) {
  const Gpu gpu("capture_fails");
  std::string told;
  set_log_handler([&](LogLevel, std::string_view text) { told += text; });
  train_mlp(gpu.device());
  set_log_handler(usual_log_handler());
  EXPECT_NE(told.find("could not be captured as a CUDA graph"), std::string::npos) << told;
}

// Whether a branch fails before or after others have joined the capture, or there are no streams for them.
TEST_F(SimulatedGpu, AGraphThatCannotHaveBranchesIsAChain) {
  const Trained usual = train_mlp(Gpu("").device());
  for (const char* faults : {"wait_fails=1", "wait_fails=2", "wait_fails=5", "streams=1"}) {
    SCOPED_TRACE(faults);
    const Gpu gpu(faults);
    std::string told;
    set_log_handler([&](LogLevel, std::string_view text) { told += text; });
    const DeviceScope scope(gpu.device());
    Sequential model = compiled_model();
    const SmallData data = small_data(64);
    model.fit(data.x, data.y, {.batch_size = 32, .epochs = 4, .verbose = 0});
    set_log_handler(usual_log_handler());
    EXPECT_EQ(told.find("could not be captured as a CUDA graph with branches: ") != told.npos,
              std::string_view(faults) != "streams=1")
        << told;
    EXPECT_EQ(told.find("step by step"), told.npos) << told;
    int nodes = 0, depth = 0;
    std::istringstream(gpu.graph_shape()) >> nodes >> depth;
    EXPECT_GT(nodes, 1);
    EXPECT_EQ(depth, nodes);
    expect_same_bits(train_mlp(gpu.device()), usual);
  }
}

TEST_F(SimulatedGpu, ALongLoopIsNotCaptured) {
  const Gpu gpu("");
  for (const std::int64_t turns : {1000, 40000}) {
    const std::shared_ptr<Backend> device = open_device(gpu.device());
    const Value x = input_value("x", {{3}, DType::float32});
    const Value y = ops::fori_loop(0, turns, [](const Values& state) -> Values { return {state[1] + 1.0}; }, {x})[0];
    std::string log;
    set_log_handler([&](LogLevel level, std::string_view line) {
      log += line;
      watch_warnings(level, line);
    });
    PlanInstance instance(
        compile({.name = "loop", .inputs = {x}, .outputs = {y}, .updates = {}, .gradients = {}}, *device), {},
        std::make_shared<Arena>(device));
    set_log_handler(usual_log_handler());
    EXPECT_EQ(log.find("too many for a CUDA graph") != log.npos, turns > 9999) << log;
    instance.write_input(0, Tensor({3}, {1.0f, 2.0f, 3.0f}));
    for (int run = 0; run < 3; ++run) {
      instance.run();
      EXPECT_EQ(instance.read_output(0).to_vector<float>()[1], static_cast<float>(turns + 2));
    }
  }
}

// What the backend may get over is told to the test all the same, once.
TEST_F(SimulatedGpu, BrokenRulesAreCounted) {
  const Gpu gpu("");
  const auto device = open_device(gpu.device());
  std::vector<std::byte> memory(8);
  EXPECT_THROW(device->download(memory, memory.data()), BackendError);
  EXPECT_EQ(gpu.broken_rules(), "1: a copy from outside of the device's memory");
  EXPECT_THROW(device->download(memory, memory.data()), BackendError);
  EXPECT_THROW(device->upload(memory.data(), memory), BackendError);
  EXPECT_EQ(gpu.broken_rules(), "2, the last: a copy to the device ends outside of its memory");
  EXPECT_EQ(gpu.broken_rules(), "");
}

// A row of the op table that cannot be captured fails, though the backend computes it.
TEST_F(SimulatedGpu, ARowThatIsNotReplayedFails) {
  HandMadePlan plan;
  const Tensor x = cpu_test::random_tensor({4, 8});
  const int in = plan.input(x);
  plan.step("relu", {}, {in}, {plan.output({{4, 8}, DType::float32})});
  const auto computed = [&](const Gpu& gpu) {
    const auto device = open_device(gpu.device());
    PlanInstance instance(plan.plan(), {}, std::make_shared<Arena>(device));
    instance.allocate();
    instance.write_input(0, x);
    run_and_replay(instance, *device);
    return instance.read_output(0);
  };
  const Tensor replayed = computed(Gpu(""));
  const Gpu failing("capture_fails");
  EXPECT_NONFATAL_FAILURE(cpu_test::expect_same_bits(computed(failing), replayed), "could not be captured");
}

// What a convolution's kernel says of itself when its plan is prepared.
std::string conv_algorithm(const std::string& device, const CompileOptions& options) {
  HandMadePlan plan;
  const int x = plan.input(cpu_test::random_tensor({2, 8, 8, 4}));
  const int kernel = plan.input(cpu_test::random_tensor({3, 3, 4, 8}));
  plan.step("conv2d", Conv2DAttrs{}, {x, kernel}, {plan.output({{2, 6, 6, 8}, DType::float32})});
  return open_device(device)->prepare(plan.plan(), options)->describe(0);
}

TEST_F(SimulatedGpu, AConvolutionThatCudnnRefusesSaysSo) {
  const Gpu gpu("dnn_no_engines");
  const std::string text = conv_algorithm(gpu.device(), {});
  EXPECT_NE(text.find("windows as rows"), std::string::npos) << text;
  EXPECT_NE(text.find(", for cuDNN refuses: "), std::string::npos) << text;
  EXPECT_EQ(conv_algorithm(gpu.device(), {}), text) << "when it is asked again";
}

TEST_F(SimulatedGpu, PrecisionAndDeterminismChooseTheEngine) {
  const auto expect_engine = [](const Gpu& gpu, const CompileOptions& options, const char* engine) {
    const std::string text = conv_algorithm(gpu.device(), options);
    EXPECT_NE(text.find(engine), std::string::npos) << text;
  };
  {
    const Gpu gpu("");
    expect_engine(gpu, {.precision = Precision::high}, "engine 1,");     // on tensor cores, as TF32
    expect_engine(gpu, {.precision = Precision::highest}, "engine 2,");  // the first that is true float32
    expect_engine(gpu, {.precision = Precision::highest, .deterministic = true}, "engine 4 (keeps NaN),");
  }
  // Compiling at run time takes seconds: only where nothing else will do.
  const Gpu gpu("dnn_rejects=4");
  expect_engine(gpu, {.precision = Precision::highest, .deterministic = true}, "engine 3 (compiled)");
}

TEST_F(SimulatedGpu, WithoutCudnnConvolutionsAreProducts) {
  const Gpu gpu("no_cudnn");
  EXPECT_NE(conv_algorithm(gpu.device(), {}).find("windows as rows"), std::string::npos);
  const DeviceInfo info = open_device(gpu.device())->info();
  EXPECT_EQ(info.versions.back().first, "cuDNN");
  EXPECT_NE(info.versions.back().second.find("not used"), std::string::npos);
}

TEST_F(SimulatedGpu, ACudnnThatWillNotDoIsPassedOverWithTheReason) {
  const struct {
    const char *faults, *reason;
  } cases[] = {{"cudnn=90701", "not used: the simulator is cuDNN 9.7.1; 9.8 is the oldest that is used"},
               {"cudnn_for=12090", "not used: the simulator is built for CUDA 12, this backend for CUDA 13"}};
  for (const auto& expected : cases) {
    const Gpu gpu(expected.faults);
    EXPECT_NE(conv_algorithm(gpu.device(), {}).find("windows as rows"), std::string::npos);
    const std::string told = open_device(gpu.device())->info().versions.back().second;
    EXPECT_NE(told.find(expected.reason), std::string::npos) << told;
  }
  EXPECT_EQ(conv_algorithm(Gpu("cudnn=90800").device(), {}).find("windows as rows"), std::string::npos);
}

TEST_F(SimulatedGpu, TellsTheDriversOwnVersion) {
  const auto first = [](const Gpu& gpu) { return open_device(gpu.device())->info().versions.front(); };
  EXPECT_EQ(first(Gpu("")), (std::pair<std::string, std::string>("NVIDIA driver", "580.82.07")));
  EXPECT_EQ(first(Gpu("no_nvml")), (std::pair<std::string, std::string>("CUDA driver", "13.0")));
}

// A GPU that the module has no kernels for is refused when it is opened, and the other one works.
TEST_F(SimulatedGpu, AGpuWithoutCodeInTheModuleIsRefused) {
  const auto expect_refused = [](const DeviceError& error) {
    EXPECT_EQ(error.cause(), "arch_unsupported");
    const std::string text = error.what();
    EXPECT_NE(text.find("no code for this GPU's compute capability, 7.5"), std::string::npos) << text;
    EXPECT_NE(text.find("-DCMAKE_CUDA_ARCHITECTURES=75"), std::string::npos) << text;
  };
  try {
    const Gpu gpu("no_code=0,capability=75");
    FAIL() << "the device was opened";
  } catch (const DeviceError& error) {
    expect_refused(error);
  }
  const Gpu gpu("devices=2,no_code=1,capability=75");
  try {
    open_device(gpu.device().substr(0, gpu.device().size() - 1) + "1");
    FAIL() << "the device was opened";
  } catch (const DeviceError& error) {
    expect_refused(error);
  }
  EXPECT_NE(conv_algorithm(gpu.device(), {}).find("cudnn engine"), std::string::npos);
}

TEST_F(SimulatedGpu, ProductsTellWhetherTheEpilogueIsFused) {
  const auto algorithm = [](const Gpu& gpu, FusedActivation activation = FusedActivation::none) {
    HandMadePlan plan;
    const int x = plan.input(cpu_test::random_tensor({4, 8})), w = plan.input(cpu_test::random_tensor({8, 3})),
              b = plan.input(cpu_test::random_tensor({3}));
    MatMulFusedAttrs attrs{.bias = true, .activation = activation};
    plan.step("matmul_fused", attrs, {x, w, b}, {plan.output({{4, 3}, DType::float32})});
    return open_device(gpu.device())->prepare(plan.plan(), {.precision = Precision::high})->describe(0);
  };
  EXPECT_EQ(algorithm(Gpu("")), "cublasLt 4x3x8 float32, tf32 allowed, fused epilogue");
  EXPECT_EQ(algorithm(Gpu("no_epilogue")), "cublasLt 4x3x8 float32, tf32 allowed, epilogue by itself");
  // cuBLASLt's relu would make 0 of NaN.
  EXPECT_EQ(algorithm(Gpu(""), FusedActivation::relu), "cublasLt 4x3x8 float32, tf32 allowed, epilogue by itself");
}

TEST_F(SimulatedGpu, MemoryIsCountedAndLimited) {
  const Gpu gpu("");
  const auto device = open_device(gpu.device());
  const std::int64_t before = device->memory().used;
  void* memory = device->allocate(1000);
  EXPECT_EQ(device->memory().used, before + 1000);
  device->set_memory_limit(before + 2000);
  EXPECT_THROW(device->allocate(1001), OutOfMemory);
  device->release(memory);
  EXPECT_EQ(device->memory().used, before);
  EXPECT_THROW(device->release(&memory), InvalidArgument);
  device->set_memory_limit(0);
  EXPECT_THROW(device->allocate(std::size_t{1} << 40), OutOfMemory);
}

// Rows that are repeated, parts of wider rows, single numbers, sums and concatenations, on arrays small and large
// enough to be taken in packs, and on such that do not fit these.
TEST_F(SimulatedGpu, ElementwiseOpsAreOneLaunch) {
  const Gpu gpu("");
  const struct {
    std::int64_t rows, columns;
    DType dtype;
  } cases[] = {{3, 5, DType::float32},     {1, 64, DType::float32},     {4096, 3, DType::float32},
               {700, 512, DType::float32}, {350, 1022, DType::float32}, {1200, 40, DType::float64}};
  for (const auto& shape : cases) {
    const std::int64_t rows = shape.rows, columns = shape.columns;
    const DType dtype = shape.dtype;
    SCOPED_TRACE(std::to_string(rows) + " rows of " + std::to_string(columns));
    const std::vector<Tensor> data = {cpu_test::random_tensor({rows, 2 * columns}, dtype, -2, 2, 1),
                                      cpu_test::random_tensor({rows, columns}, dtype, -2, 2, 2),
                                      cpu_test::random_tensor({columns}, dtype, -2, 2, 3),
                                      cpu_test::random_tensor({}, dtype, -2, 2, 4)};
    const auto computed = [&](const std::string& device) {
      Program program{.name = "elementwise", .inputs = {}, .outputs = {}, .updates = {}, .gradients = {}};
      for (const Tensor& x : data) program.inputs.push_back(input_value("x", {x.shape(), x.dtype()}));
      const Values& in = program.inputs;
      const Value left = ops::slice(in[0], {0, 0}, {-1, columns}),
                  right = ops::slice(in[0], {0, columns}, {-1, columns});
      const Value gate = ops::sigmoid(left + in[2]), y = ops::tanh(right) * gate + in[1] * in[3];
      program.outputs = {y, ops::concatenate({gate, y}, -1), ops::sum(y * gate, {0}), ops::mean(in[1], {0})};
      const auto backend = open_device(device);
      PlanInstance instance(compile(program, *backend), {}, std::make_shared<Arena>(backend));
      std::string kernels;
      for (std::size_t i = 0; i < instance.plan().steps.size(); ++i) {
        kernels += instance.executable().describe(static_cast<int>(i)) + "\n";
      }
      EXPECT_NE(kernels.find("elementwise at once"), std::string::npos) << kernels;
      instance.allocate();
      for (std::size_t i = 0; i < data.size(); ++i) instance.write_input(static_cast<int>(i), data[i]);
      std::vector<Tensor> results;
      instance.run();
      instance.run();  // captured
      for (int i = 0; i < 4; ++i) results.push_back(instance.read_output(i));
      return results;
    };
    const std::vector<Tensor> got = computed(gpu.device()), expected = computed("cpu");
    for (std::size_t i = 0; i < expected.size(); ++i) {
      cpu_test::expect_close(got[i], expected[i], i < 2 ? 2e-6 : 2e-5 * std::sqrt(static_cast<double>(rows)));
    }
  }
}

// Sizes around those where kernels change their way: long rows, few and many of them, equal keys, NaN.
TEST_F(SimulatedGpu, SortsAndAddsUpLongRows) {
  const Gpu gpu("");
  const auto device = open_device(gpu.device()), cpu = open_device("cpu");
  for (const std::int64_t size : {1, 31, 32, 33, 256, 1023, 1024, 1025, 2049, 5000}) {
    for (const std::int64_t rows : {1, 3}) {
      SCOPED_TRACE("rows of " + std::to_string(size) + ", " + std::to_string(rows) + " of them");
      Tensor numbers = cpu_test::random_tensor({rows, size}, DType::float32, -9, 9, 2);
      const Tensor keys = cpu_test::random_tensor({rows, size}, DType::int32, -3, 3, 3);
      const Tensor bytes = cpu_test::random_tensor({rows, size}, DType::uint8, 0, 200, 4);
      for (std::int64_t i = 0; i < rows * size; i += 7) {
        numbers.values<float>()[static_cast<std::size_t>(i)] = i % 2 == 0 ? std::nanf("") : 0.0f;
      }
      for (const Tensor& x : {numbers, keys, bytes, keys.astype(DType::float64), keys.astype(DType::int64)}) {
        const Spec order{x.shape(), DType::int32};
        cpu_test::expect_same_bits(run_op(device, "argsort", {}, {x}, order), run_op(cpu, "argsort", {}, {x}, order));
      }
      for (const bool reverse : {false, true}) {
        const auto expect_sums = [&](const Tensor& x, int axis) {
          const CumsumAttrs attrs{axis, reverse};
          const Spec spec{x.shape(), x.dtype()};
          cpu_test::expect_close(run_op(device, "cumsum", attrs, {x}, spec), run_op(cpu, "cumsum", attrs, {x}, spec),
                                 1e-5);
        };
        expect_sums(keys, 1);
        expect_sums(cpu_test::random_tensor({rows, size, 2}, DType::float32, -0.01, 0.01, 5), 1);
        expect_sums(cpu_test::random_tensor({size, rows}, DType::float64), 0);
      }
      // As many ids, of tables of which a few rows or most are asked for, and some that are none.
      for (const std::int64_t table : {3, 70, 20000}) {
        const Tensor ids = cpu_test::random_tensor({rows * size}, DType::int32, -1, static_cast<double>(table), 6);
        const Tensor dy = cpu_test::random_tensor({rows * size, 10}, DType::float32, -1, 1, 7);
        const TakeGradAttrs attrs{{table, 10}};
        const Spec spec{{table, 10}, DType::float32};
        cpu_test::expect_close(run_op(device, "take_grad", attrs, {dy, ids}, spec),
                               run_op(cpu, "take_grad", attrs, {dy, ids}, spec), 2e-5);
      }
    }
  }
}

// Larger than the pinned memory that copies go through.
TEST_F(SimulatedGpu, LargeCopiesArrive) {
  const Gpu gpu("");
  const auto device = open_device(gpu.device());
  std::vector<std::byte> from((std::size_t{9} << 20) + 17), to(from.size());
  for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<std::byte>(i * 2654435761u >> 13);
  void* memory = device->allocate(from.size());
  device->upload(memory, from);
  device->download(to, memory);
  device->release(memory);
  EXPECT_EQ(std::memcmp(from.data(), to.data(), from.size()), 0);
}

TEST_F(SimulatedGpu, KernelsAreTimed) {
  const Gpu gpu("");
  HandMadePlan plan;
  const int x = plan.input(cpu_test::random_tensor({4, 8}));
  const int y = plan.scratch({{4, 8}, DType::float32});
  plan.step("relu", {}, {x}, {y});
  plan.step("exp", {}, {y}, {plan.output({{4, 8}, DType::float32})});
  PlanInstance instance(plan.plan(), {}, std::make_shared<Arena>(open_device(gpu.device())));
  instance.allocate();
  EXPECT_EQ(instance.run_profiled(), (std::vector<double>{1e-3, 1e-3}));
}

// The module's own words for a machine that will not do.
TEST_F(SimulatedGpu, TheDoorSaysWhyThereIsNoDevice) {
  const struct {
    const char *faults, *reason, *cause;
  } cases[] = {
      {"count_error=35,driver=12040", "driver is for CUDA 12.4, this backend needs CUDA 13.0", "driver_too_old"},
      {"count_error=35,driver=0", "no NVIDIA driver", "no_usable_device"},
      {"count_error=100", "shows no device", "no_usable_device"},
      {"count_error=34", "driver answers", "stub_driver"},
      {"capability=70", "compute capability 7.0", "arch_unsupported"}};
  for (const auto& expected : cases) {
    const Gpu gpu(expected.faults);
    EXPECT_EQ(gpu.loaded().module, nullptr);
    EXPECT_NE(gpu.loaded().reason.find(expected.reason), std::string::npos) << gpu.loaded().reason;
    EXPECT_EQ(gpu.loaded().cause, expected.cause);
  }
}

}  // namespace
}  // namespace keratin::testing
