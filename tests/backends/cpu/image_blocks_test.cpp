#include "keratin/backends/cpu/image_blocks.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <functional>

#include "keratin/backends/cpu/executable.h"
#include "keratin/core/compiler/passes.h"
#include "keratin/core/compiler/trace.h"
#include "keratin/core/ops/ops.h"
#include "keratin/core/runtime/device.h"
#include "keratin/keratin.h"
#include "tests/backends/cpu/run_op.h"
#include "tests/support/hand_made_plan.h"

namespace keratin {
namespace {

using cpu::BlockLimits;
using cpu::ImageBlocks;

constexpr std::int64_t kCache = 48 << 10;  // small, so that small batches do not fit

// A plan prepared for given limits, and its memory; what a run does not write is garbage.
class Prepared {
 public:
  Prepared(const Plan& plan, const BlockLimits& limits, bool keeps_prepared = false)
      : plan_(plan), executable_(plan, {.keeps_prepared = keeps_prepared}, limits) {
    const auto device = open_device("cpu");
    for (const VariablePtr& variable : plan.variables) {
      const Tensor value = variable->value();
      state_.push_back(memory(static_cast<std::int64_t>(value.bytes())));
      std::memcpy(state_.back(), value.raw(), value.bytes());
    }
    feed_ = static_cast<std::byte*>(memory(plan.feed_bytes));
    for (const PlanConstant& constant : plan.constants) {
      std::memcpy(at(constant.slot), constant.value.raw(), constant.value.bytes());
    }
    executable_.bind({state_, feed_, memory(plan.scratch_bytes), memory(executable_.workspace_bytes())});
  }
  std::vector<Tensor> run(const std::vector<Tensor>& inputs, bool profiled = false) {
    for (std::size_t i = 0; i < inputs.size(); ++i)
      std::memcpy(at(plan_.inputs[i]), inputs[i].raw(), inputs[i].bytes());
    if (profiled) {
      seconds = executable_.run_profiled();
    } else {
      executable_.run();
    }
    std::vector<Tensor> outputs;
    for (int slot : plan_.outputs) {
      const Slot& s = plan_.slots[static_cast<std::size_t>(slot)];
      outputs.emplace_back(s.shape, s.dtype);
      std::memcpy(outputs.back().raw(), at(slot), outputs.back().bytes());
    }
    return outputs;
  }
  cpu::CpuExecutable& executable() { return executable_; }
  void* variable(std::size_t i) { return state_[i]; }
  std::vector<double> seconds;

 private:
  struct Free {
    void operator()(void* p) const { std::free(p); }
  };
  void* memory(std::int64_t bytes) {
    const std::size_t size = (static_cast<std::size_t>(bytes) / 256 + 1) * 256;
    memory_.emplace_back(std::aligned_alloc(256, size));
    std::memset(memory_.back().get(), 0xff, size);
    return memory_.back().get();
  }
  std::byte* at(int slot) { return feed_ + plan_.slots[static_cast<std::size_t>(slot)].offset; }

  const Plan& plan_;
  cpu::CpuExecutable executable_;
  std::vector<std::unique_ptr<void, Free>> memory_;
  std::vector<void*> state_;
  std::byte* feed_ = nullptr;
};

using Build = std::function<Values(const Value& x)>;

Plan plan_of(const Build& build, const Shape& shape) {
  const auto step =
      std::make_shared<VariableState>("step", Shape{}, DType::int64, [] { return Tensor::scalar<std::int64_t>(0); });
  TraceContext trace(Phase::predict, step, 1);
  Program program{.name = "predict", .inputs = {}, .outputs = {}, .updates = {}, .gradients = {}};
  const Value x = trace.input("x", {shape, DType::float32});
  program.inputs = {x};
  program.outputs = build(x);
  return compile(program, *open_device("cpu"));
}

// Steps in chains, and chains.
std::pair<std::size_t, std::size_t> in_chains(const Plan& plan, const BlockLimits& limits) {
  const std::vector<ImageBlocks> chains = find_image_blocks(plan, limits);
  std::size_t steps = 0;
  for (const ImageBlocks& chain : chains) steps += chain.members.size();
  return {steps, chains.size()};
}

// By ops, with constants as weights.
Value weight(Shape shape, int seed) {
  const auto value = cpu_test::random_tensor(shape, DType::float32, -0.5, 0.5, seed);
  return read(
      std::make_shared<VariableState>("w" + std::to_string(seed), shape, DType::float32, [value] { return value; }));
}
Value conv(const Value& x, std::int64_t filters, int seed) {
  const auto [before, after] = same_padding(x.shape()[1], 3, 1);
  return ops::conv2d(x, weight({3, 3, x.shape()[-1], filters}, seed), {.padding = {{before, before}, {after, after}}});
}
Value dense(const Value& x, std::int64_t units, int seed) {
  return ops::matmul(x, weight({x.shape()[-1], units}, seed)) + weight({units}, seed + 100);
}
// As in prediction: scale and shift are made of variables in every run.
Value normalized(const Value& x, int seed) {
  const Value scale = weight({x.shape()[-1]}, seed) * ops::rsqrt(ops::square(weight({x.shape()[-1]}, seed + 1)) + 0.1);
  return x * scale + (weight({x.shape()[-1]}, seed + 2) - weight({x.shape()[-1]}, seed + 3) * scale);
}

struct Case {
  const char* name;
  Shape image;
  Build build;
  std::size_t chains;  // at least one step fewer is in them than the plan has, where `all` is false
  bool all = true;
};

std::vector<Case> cases() {
  return {
      {"CNN",
       {14, 14, 1},
       [](const Value& x) -> Values {
         Value y = ops::max_pool2d(ops::relu(conv(x * 0.5, 16, 1) + weight({16}, 2)));
         y = ops::max_pool2d(ops::relu(conv(y, 24, 3) + weight({24}, 4)));
         return {ops::softmax(dense(ops::relu(dense(ops::flatten(y), 40, 5)), 10, 6))};
       },
       1},
      {"residual with normalisation",
       {4, 4, 16},  // as many channels as a batch has images
       [](const Value& x) -> Values {
         Value y = ops::relu(normalized(conv(x, 16, 1), 10));
         for (int i = 0; i < 2; ++i) {
           const Value inner = ops::relu(normalized(conv(y, 16, 2 + 2 * i), 20 + 10 * i));
           y = ops::relu(normalized(conv(inner, 16, 3 + 2 * i), 50 + 10 * i) + y);
         }
         return {dense(ops::mean(y, {1, 2}), 10, 80)};
       },
       1,
       false},  // the first scale and shift are made before the chain
      {"an intermediate is an output, and one is used after the chain",
       {12, 12, 4},
       [](const Value& x) -> Values {
         const Value a = ops::relu(conv(x, 8, 1)), b = ops::tanh(conv(a, 8, 2)), c = conv(ops::exp(b), 8, 3);
         return {b, ops::sum(a, {0}), ops::average_pool2d(c), ops::max(c, {0})};
       },
       1,
       false},
      {"a sum over the batch in the middle",
       {12, 12, 4},
       [](const Value& x) -> Values {
         const Value a = ops::relu(conv(ops::relu(conv(x, 16, 1)), 4, 2));
         const Value b = a - ops::mean(a, {0}, true);
         return {ops::softmax(conv(ops::sigmoid(conv(b, 16, 3)), 4, 4))};
       },
       2,
       false},
      {"a reshape that moves the batch's axis",
       {8, 8, 8},
       [](const Value& x) -> Values {
         Value y = ops::relu(conv(ops::relu(conv(x, 16, 1)), 8, 2));
         y = ops::reshape(y, {x.shape()[0] / 2, 16, 8, 8});
         return {conv(ops::relu(conv(y, 16, 3)), 8, 4)};
       },
       2},
      {"transposes, concatenations, padding, attention",
       {24, 16},
       [](const Value& x) -> Values {
         const Value q = dense(x, 16, 1), k = dense(x, 16, 2), v = ops::concatenate({dense(x, 8, 3), x}, -1);
         const Value scores = ops::softmax(ops::matmul(q, k, {.transpose_b = true}) * 0.25);
         const Value y = ops::pad(ops::transpose(ops::matmul(scores, v), {0, 2, 1}), {0, 1, 0}, {0, 0, 2});
         return {ops::argmax(y, 1), ops::where(ops::greater(y, 0.0), y, -y), ops::max(ops::exp(y), {2})};
       },
       2,
       false},
      {"a transpose of the batch's axis",
       {8, 8, 4},
       [](const Value& x) -> Values {
         return {ops::transpose(ops::exp(conv(ops::relu(conv(x, 16, 1)), 4, 2)), {1, 0, 2, 3})};
       },
       1,
       false},
  };
}

TEST(CpuImageBlocks, ChangeNoBits) {
  for (const Case& c : cases()) {
    for (const std::int64_t images : {16, 64, 50}) {
      SCOPED_TRACE(std::string(c.name) + ", " + std::to_string(images) + " images");
      const Shape shape = Shape{images}.concat(c.image);
      const Plan plan = plan_of(c.build, shape);
      const Tensor x = cpu_test::random_tensor(shape, DType::float32, -1, 1, 7);
      const std::vector<Tensor> want = Prepared(plan, {1, 0}).run({x});
      for (const int threads : {1, 2}) {
        const cpu_test::Threads used(threads);
        for (const std::int64_t cache : {std::int64_t{0}, kCache, 3 * kCache}) {
          const BlockLimits limits{threads, cache};
          const auto [steps, chains] = in_chains(plan, limits);
          if (images == 64 && threads == 1 && cache == kCache) {
            EXPECT_EQ(chains, c.chains) << plan.to_string();
            EXPECT_EQ(steps == plan.steps.size(), c.all) << steps << " of\n" << plan.to_string();
          }
          for (const bool keeps : {false, true}) {
            Prepared prepared(plan, limits, keeps);
            for (int run = 0; run < 2; ++run) {
              const std::vector<Tensor> got = prepared.run({x});
              for (std::size_t i = 0; i < want.size(); ++i) cpu_test::expect_same_bits(got[i], want[i]);
            }
          }
        }
      }
    }
  }
}

TEST(CpuImageBlocks, FitTheCacheAndTakeTheWholeBatch) {
  const Case c = cases()[0];
  const Shape image = c.image;
  EXPECT_EQ(in_chains(plan_of(c.build, Shape{8}.concat(image)), {1, 1 << 20}).second, 0u) << "fits the cache anyway";
  EXPECT_EQ(in_chains(plan_of(c.build, Shape{512}.concat(image)), {1, 128}).second, 0u) << "no image fits it";
  const auto wide = [](const Value& x) -> Values { return {dense(ops::relu(dense(x, 256, 1)), 256, 2)}; };
  EXPECT_EQ(in_chains(plan_of(wide, {64, 256}), {1, kCache}).second, 0u) << "weights are read more often";
  for (const std::int64_t images : {100, 128, 513}) {
    for (const std::int64_t threads : {1, 2, 3}) {
      const auto chains = cpu::find_image_blocks(plan_of(c.build, Shape{images}.concat(image)), {threads, 2 * kCache});
      ASSERT_EQ(chains.size(), 1u);
      const ImageBlocks& chain = chains[0];
      EXPECT_LE(chain.own_bytes, threads * 2 * kCache * 3 / 4);
      EXPECT_EQ(chain.block % threads, 0);
      std::int64_t done = 0;
      for (std::int64_t i = 0; i < chain.count(); ++i) {
        EXPECT_LE(chain.begin(i), done);
        EXPECT_LT(done, chain.begin(i) + chain.block);
        done = chain.begin(i) + chain.block;
      }
      EXPECT_EQ(done, images);
    }
  }
  // Of the workspace, the chain's own memory and the packed weights.
  const Plan plan = plan_of(c.build, Shape{256}.concat(image));
  const std::int64_t with = Prepared(plan, {1, kCache}).executable().workspace_bytes();
  EXPECT_LE(with, Prepared(plan, {1, 0}).executable().workspace_bytes() + 2 * kCache + (128 << 10));
}

// What weights are packed to is kept until they change, or for one run.
TEST(CpuImageBlocks, SeeVariablesThatChange) {
  const Case c = cases()[0];
  const Plan plan = plan_of(c.build, {64, 14, 14, 1});
  const Tensor x = cpu_test::random_tensor({64, 14, 14, 1});
  Prepared plain(plan, {1, 0}), blocks(plan, {1, kCache}), kept(plan, {1, kCache}, true);
  const Tensor before = kept.run({x})[0];
  for (Prepared* p : {&plain, &blocks, &kept}) {
    for (std::size_t i = 0; i < plan.variables.size(); ++i) *static_cast<float*>(p->variable(i)) += 1;
    p->executable().variables_changed();
  }
  const Tensor want = plain.run({x})[0];
  EXPECT_NE(before.to_vector<float>(), want.to_vector<float>());
  cpu_test::expect_same_bits(blocks.run({x})[0], want);
  cpu_test::expect_same_bits(kept.run({x})[0], want);
}

TEST(CpuImageBlocks, AreDescribedAndTimedAsSteps) {
  const Plan plan = plan_of(cases()[1].build, {32, 4, 4, 16});
  Prepared prepared(plan, {1, kCache});
  const Tensor x = cpu_test::random_tensor({32, 4, 4, 16});
  cpu_test::expect_same_bits(prepared.run({x}, true)[0], Prepared(plan, {1, 0}).run({x})[0]);
  ASSERT_EQ(prepared.seconds.size(), plan.steps.size());
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    EXPECT_GT(prepared.seconds[i], 0);
    const Shape& result = plan.slots[static_cast<std::size_t>(plan.steps[i].outputs[0])].shape;
    const bool in_blocks =
        prepared.executable().describe(static_cast<int>(i)).find("in a batch of 32") != std::string::npos;
    EXPECT_EQ(in_blocks, result.rank() > 1) << plan.steps[i].description;
  }
}

// A result that lies where an operand of the chain was would be written over images that other blocks have yet to read.
TEST(CpuImageBlocks, DoNotWriteOverWhatTheyRead) {
  const Spec spec{{64, 512}, DType::float32};
  const SliceAttrs all{{0, 0}, {64, 512}};  // not among the ops that work by rows
  testing::HandMadePlan made;
  const int x = made.input(cpu_test::random_tensor(spec.shape));
  const int a = made.scratch(spec), b = made.scratch(spec), c = made.scratch(spec), d = made.scratch(spec);
  const int y = made.output(spec);
  made.step(kSlice.name, all, {x}, {a});
  made.step(kTanh.name, {}, {a}, {b});
  made.step(kRelu.name, {}, {b}, {c});
  made.step(kExp.name, {}, {c}, {d});
  made.step(kSlice.name, all, {d}, {y});
  Plan plan = made.plan();
  const Tensor input = cpu_test::random_tensor(spec.shape);
  EXPECT_EQ(in_chains(plan, {1, kCache}), (std::pair<std::size_t, std::size_t>{3, 1}));
  for (const std::int64_t shift : {0, 512}) {
    plan.slots[static_cast<std::size_t>(d)].offset = plan.slots[static_cast<std::size_t>(a)].offset + shift;
    EXPECT_EQ(in_chains(plan, {1, kCache}), (std::pair<std::size_t, std::size_t>{2, 1}));
    cpu_test::expect_same_bits(Prepared(plan, {1, kCache}).run({input})[0], Prepared(plan, {1, 0}).run({input})[0]);
  }
}

// A model by the public API, with this machine's limits: large batches as small ones.
TEST(CpuImageBlocks, PredictInLargeBatchesAsInSmallOnes) {
  set_random_seed(1);
  const Input input({24, 24, 3});
  Value x = Conv2D(16, 3, {.padding = "same", .use_bias = false})(input);
  x = Activation("relu")(BatchNormalization()(x));
  Value y = Activation("relu")(BatchNormalization()(Conv2D(16, 3, {.padding = "same"})(x)));
  y = Add()({x, Conv2D(16, 3, {.padding = "same"})(y)});
  y = Dense(10, {.activation = "softmax"})(Flatten()(MaxPooling2D()(y)));
  Model model(input, y);
  const Tensor images = cpu_test::random_tensor({83, 24, 24, 3});
  for (const int threads : {1, 2}) {
    const cpu_test::Threads used(threads);
    const Tensor want = model.predict(images, {.batch_size = 4});
    cpu_test::expect_same_bits(model.predict(images, {.batch_size = 83}), want);
    const Predictor predictor(model, {.batch_size = 83});
    cpu_test::expect_same_bits(predictor(images), want);
  }
}

}  // namespace
}  // namespace keratin
