// What simplify, merge, fuse and expand make of programs.
#include <gtest/gtest.h>

#include "keratin/core/compiler/autodiff.h"
#include "keratin/core/compiler/passes.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/fused_elementwise.h"
#include "keratin/core/ops/ops.h"
#include "keratin/core/runtime/device.h"
#include "keratin/core/tensor/errors.h"
#include "tests/core/compiler/stub_backend.h"

namespace keratin {
namespace {

using testing::has_op;
using testing::StubBackend;

Program program(Values inputs, Values outputs) {
  return {.name = "p", .inputs = std::move(inputs), .outputs = std::move(outputs), .updates = {}, .gradients = {}};
}
std::size_t count(const Program& p, const OpDef& op) {
  std::size_t n = 0;
  for (const NodePtr& node : topological_order(p.roots())) n += node->is(op) ? 1 : 0;
  return n;
}
Value matrix(const std::string& name, std::int64_t rows, std::int64_t columns) {
  return input_value(name, {{rows, columns}, DType::float32});
}

TEST(Simplify, RemovesWhatDoesNothing) {
  const Value x = matrix("x", 2, 3);
  const Value y = ops::cast(ops::reshape((x + 0.0) * 1.0, {2, 3}), DType::float32);
  const Program p = simplify(program({x}, {ops::stop_gradient(y)}));
  EXPECT_EQ(p.outputs[0].node(), p.inputs[0].node());
}

TEST(Simplify, MergesEqualNodesAndKeepsRandomOnesApart) {
  const Value x = matrix("x", 2, 3);
  const VariablePtr step =
      std::make_shared<VariableState>("step", Shape{}, DType::int64, [] { return Tensor::scalar<std::int64_t>(0); });
  const Program merged = simplify(program({x}, {ops::exp(x) + ops::exp(x)}));
  EXPECT_EQ(count(merged, kExp), 1u);
  const Value a = ops::random_uniform(read(step), {4}, 1), b = ops::random_uniform(read(step), {4}, 1);
  const Program random = simplify(program({}, {a + b}));
  EXPECT_EQ(count(random, kRandomUniform), 2u);
  EXPECT_EQ(count(random, kRead), 1u);  // reads of one variable are one
}

TEST(Simplify, DifferentAttributesAreNotMerged) {
  const Value x = matrix("x", 3, 3);
  const Program p = simplify(program({x}, {ops::sum(x, {0}) + ops::sum(x, {1})}));
  EXPECT_EQ(count(p, kSum), 2u);
}

TEST(Simplify, LargeIntegersThatAreOneAsDoublesAreNotMerged) {
  const std::int64_t big = std::int64_t{1} << 53;
  const Value a = constant(Tensor::scalar(big)), b = constant(Tensor::scalar(big + 1));
  EXPECT_NE(kConstant.describe(a.node()->attrs()), kConstant.describe(b.node()->attrs()));
  const Value x = input_value("x", {{}, DType::int64});
  const Program p = simplify(program({x}, {ops::equal(x, a), ops::equal(x, b), ops::equal(x, a)}));
  EXPECT_EQ(count(p, kConstant), 2u);
  EXPECT_EQ(count(p, kEqual), 2u);
  EXPECT_EQ(p.outputs[0].node(), p.outputs[2].node());
  EXPECT_NE(p.outputs[0].node(), p.outputs[1].node());
}

TEST(Simplify, ArithmeticNeedsNoCopiesOfARow) {
  const Value x = matrix("x", 4, 3), row = matrix("row", 1, 3), column = matrix("column", 4, 1);
  const auto copies = [&](const Value& y) { return count(simplify(program({x, row, column}, {y})), kBroadcastTo); };
  const auto wide = [](const Value& v) { return ops::broadcast_to(v, {4, 3}); };
  EXPECT_EQ(copies(x + wide(row)), 0u);
  EXPECT_EQ(copies(wide(row) * x), 0u);
  EXPECT_EQ(copies(x / wide(row)), 0u);
  EXPECT_EQ(copies(x - wide(ops::sum(row))), 0u);
  EXPECT_EQ(copies(wide(ops::sum(row)) - x), 0u);
  // Where no kernel is quick without them, or where the copies make the shape.
  EXPECT_EQ(copies(wide(row) - x), 1u);
  EXPECT_EQ(copies(x + wide(column)), 1u);
  EXPECT_EQ(copies(row + wide(row)), 1u);
  EXPECT_EQ(simplify(program({x, row}, {x + wide(row)})).outputs[0].spec(), x.spec());
}

TEST(Fuse, MatmulBiasRelu) {
  const Value x = matrix("x", 4, 5), w = matrix("w", 5, 6), b = input_value("b", {{6}, DType::float32});
  const Program p = fuse(program({x, w, b}, {ops::relu(ops::matmul(x, w) + b)}), StubBackend());
  EXPECT_EQ(count(p, kMatMulFused), 1u);
  EXPECT_EQ(count(p, kAdd) + count(p, kRelu) + count(p, kMatMul), 0u);
  const auto& attrs = p.outputs[0].node()->attrs_as<MatMulFusedAttrs>();
  EXPECT_TRUE(attrs.bias);
  EXPECT_EQ(attrs.activation, FusedActivation::relu);
}

TEST(Fuse, NotWhenTheProductIsNeededByItself) {
  const Value x = matrix("x", 4, 5), w = matrix("w", 5, 6), b = input_value("b", {{6}, DType::float32});
  const Value product = ops::matmul(x, w);
  const Program p = fuse(program({x, w, b}, {ops::relu(product + b), product}), StubBackend());
  EXPECT_EQ(count(p, kMatMulFused), 0u);
}

// A convolution with relu and pooling, and its gradients for the input, the kernel and the bias.
struct PooledConvolution {
  Value x = input_value("x", {{2, 8, 8, 3}, DType::float32}), w = input_value("w", {{3, 3, 3, 4}, DType::float32});
  Value b = input_value("b", {{4}, DType::float32});
  Value conv = ops::relu(ops::conv2d(x, w) + b), y = ops::max_pool2d(conv);

  Program training(bool with_input = true) const {
    std::vector<Value> wanted = {w, b};
    if (with_input) wanted.push_back(x);
    Values outputs = gradients(ops::sum(ops::square(y)), wanted);
    outputs.push_back(y);
    return simplify(program({x, w, b}, outputs));
  }
};

TEST(Simplify, GradientsOfMaximaAreSpreadLast) {
  const PooledConvolution net;
  const Program p = net.training();
  EXPECT_EQ(count(p, kReluGrad), 1u);
  EXPECT_EQ(count(p, kMaxPool2DGrad), 1u);
  for (const NodePtr& node : topological_order(p.roots())) {
    // Of the pooled images, not of those before.
    EXPECT_TRUE(!node->is(kReluGrad) || node->outputs()[0].shape == Shape({2, 3, 3, 4}));
    EXPECT_FALSE(node->is(kSum) && node->input(0).node()->is(kMaxPool2DGrad));
  }
  // Relu of something else must wait.
  const Value other = input_value("other", net.conv.spec());
  const Value spread = apply1(kMaxPool2DGrad, Pool2DAttrs{}, {net.conv, net.y, net.y});
  const Value masked = apply1(kReluGrad, {}, {spread, other});
  const Program kept = simplify(program({net.x, net.w, net.b, other}, {masked, ops::sum(spread, {1})}));
  EXPECT_TRUE(kept.outputs[0].node()->is(kReluGrad));
  EXPECT_TRUE(kept.outputs[1].node()->input(0).node()->is(kMaxPool2DGrad));
}

TEST(Fuse, PoolingGoesWithTheConvolution) {
  const PooledConvolution net;
  const Program predict = fuse(program({net.x, net.w, net.b}, {net.y}), StubBackend());
  EXPECT_EQ(count(predict, kConv2DPool), 1u);
  EXPECT_FALSE(predict.outputs[0].node()->attrs_as<Conv2DPoolAttrs>().index);
  EXPECT_EQ(predict.outputs[0].spec(), net.y.spec());
  const Program trained = fuse(net.training(), StubBackend());
  EXPECT_EQ(count(trained, kConv2DPool), 1u);
  EXPECT_EQ(count(trained, kMaxPool2DIndexGrad), 1u);
  EXPECT_EQ(count(trained, kMaxPool2DGrad) + count(trained, kMaxPool2D) + count(trained, kConv2DFused), 0u);
}

TEST(Fuse, PoolingKeepsWhatOthersNeed) {
  const PooledConvolution net;
  // The convolution's result is asked for, too.
  const Program both = fuse(program({net.x, net.w, net.b}, {net.y, net.conv}), StubBackend());
  EXPECT_EQ(count(both, kConv2DPool), 0u);
  EXPECT_EQ(count(both, kConv2DFused), 1u);
  // Without the kernel for both there are still taps; without those nothing changes.
  const Program apart = fuse(net.training(), StubBackend({"conv2d_pool"}));
  EXPECT_EQ(count(apart, kMaxPool2DIndex), 1u);
  EXPECT_EQ(count(apart, kMaxPool2DIndexGrad), 1u);
  for (const char* missing : {"max_pool2d_index", "max_pool2d_index_grad"}) {
    const Program plain = fuse(net.training(), StubBackend({missing}));
    EXPECT_EQ(count(plain, kMaxPool2D), 1u) << missing;
    EXPECT_EQ(count(plain, kMaxPool2DGrad), 1u) << missing;
    EXPECT_EQ(count(plain, kConv2DPool), 0u) << missing;
  }
}

// A residual block as it predicts: convolution, normalisation, sum, relu.
struct NormalizedConvolution {
  Value x = input_value("x", {{2, 8, 8, 4}, DType::float32}), w = input_value("w", {{1, 1, 4, 4}, DType::float32});
  Value scale = input_value("scale", {{4}, DType::float32}), shift = input_value("shift", {{4}, DType::float32});
  Value conv = ops::conv2d(x, w);

  Program of(const Values& outputs) const { return program({x, w, scale, shift}, outputs); }
};

TEST(Fuse, NormalizationGoesWithTheConvolution) {
  const NormalizedConvolution net;
  const Value first = ops::relu(net.conv * net.scale + net.shift);
  const Value second = net.shift + net.scale * (ops::conv2d(first, net.w) + net.scale);
  const Program p = fuse(net.of({ops::relu(first + second)}), StubBackend());
  EXPECT_EQ(count(p, kConv2DNormalized), 2u);
  EXPECT_EQ(count(p, kAdd) + count(p, kMultiply) + count(p, kRelu) + count(p, kConv2D) + count(p, kConv2DFused), 0u);
  const auto& attrs = p.outputs[0].node()->attrs_as<Conv2DNormalizedAttrs>();
  EXPECT_TRUE(attrs.bias && attrs.more);
  EXPECT_EQ(attrs.activation, FusedActivation::relu);
  // One operand of a sum of two is a term of the other.
  const Value other = ops::conv2d(net.x, net.w + 1.0) * net.scale + net.shift;
  EXPECT_EQ(count(fuse(net.of({net.conv * net.scale + net.shift + other}), StubBackend()), kAdd), 1u);  // of w
}

TEST(Fuse, NormalizationWaitsForWhatOthersNeed) {
  const NormalizedConvolution net;
  const Value scaled = net.conv * net.scale, y = scaled + net.shift;
  const auto fused = [&](const Values& outputs, const StubBackend& backend = StubBackend()) {
    return count(fuse(net.of(outputs), backend), kConv2DNormalized);
  };
  EXPECT_EQ(fused({y}), 1u);
  EXPECT_EQ(fused({y, net.conv}), 0u);
  EXPECT_EQ(fused({y, scaled}), 0u);
  EXPECT_EQ(fused({y}, StubBackend({"conv2d_normalized"})), 0u);
  // As training has them: the scale is made of the images.
  EXPECT_EQ(fused({net.conv * ops::mean(net.conv, {0, 1, 2}) + net.shift}), 0u);
  // After relu, or with no vector to add, it is something else.
  EXPECT_EQ(fused({ops::relu(net.conv + net.scale) * net.scale + net.shift}), 0u);
  EXPECT_EQ(fused({net.conv * net.scale + net.x}), 0u);
  // What is normalised and asked for stays apart from the sum.
  const Program both = fuse(net.of({ops::relu(y + net.x), y}), StubBackend());
  EXPECT_EQ(count(both, kConv2DNormalized), 1u);
  EXPECT_EQ(count(both, kAdd), 1u);
}

TEST(Fuse, GradientsOfMaximaGoToTheKernelDirectly) {
  const PooledConvolution net;
  const Program first = fuse(net.training(false), StubBackend());
  EXPECT_EQ(count(first, kConv2DPoolKernelGrad), 1u);
  EXPECT_EQ(count(first, kMaxPool2DIndexGrad) + count(first, kConv2DKernelGrad), 0u);
  // The input's gradient needs them spread, too.
  const Program second = fuse(net.training(), StubBackend());
  EXPECT_EQ(count(second, kConv2DPoolKernelGrad), 0u);
  EXPECT_EQ(count(second, kMaxPool2DIndexGrad), 1u);
  const Program apart = fuse(net.training(false), StubBackend({"conv2d_pool_kernel_grad"}));
  EXPECT_EQ(count(apart, kMaxPool2DIndexGrad), 1u);
  EXPECT_EQ(count(apart, kConv2DKernelGrad), 1u);
}

TEST(Fuse, NotWithoutAKernel) {
  const Value x = matrix("x", 4, 5), w = matrix("w", 5, 6), b = input_value("b", {{6}, DType::float32});
  const Program p = fuse(program({x, w, b}, {ops::relu(ops::matmul(x, w) + b)}), StubBackend({"matmul_fused"}));
  EXPECT_EQ(count(p, kMatMulFused), 0u);
  EXPECT_EQ(count(p, kMatMul), 1u);
}

TEST(Fuse, RescalingIntoTheBatchGather) {
  const Value base = input_value("base", {{1}, DType::int64});
  const Value cursor = input_value("cursor", {{kBatchCursorSize}, DType::int64});
  const Value batch =
      ops::batch_gather(base, cursor, {.batch = 2, .row_shape = {3}, .from = DType::uint8, .to = DType::float32});
  const Program p = fuse(program({base, cursor}, {batch * 0.5 + 2.0}), StubBackend());
  ASSERT_TRUE(p.outputs[0].node()->is(kBatchGather));
  EXPECT_EQ(p.outputs[0].node()->attrs_as<BatchGatherAttrs>().scale, 0.5);
  EXPECT_EQ(p.outputs[0].node()->attrs_as<BatchGatherAttrs>().offset, 2.0);
}

// How many ops each group has.
std::vector<std::size_t> group_sizes(const Program& p) {
  std::vector<std::size_t> sizes;
  for (const NodePtr& node : topological_order(p.roots())) {
    if (!node->is(kFusedElementwise)) continue;
    const ScanBody& body = *node->attrs_as<FusedElementwiseAttrs>().body;
    sizes.push_back(topological_order(body.outputs).size() - body.inputs.size());
  }
  return sizes;
}

TEST(Group, OpsOfOneShape) {
  const Value x = matrix("x", 4, 5), row = matrix("row", 1, 5), w = matrix("w", 5, 5);
  const Value y = ops::exp(x * row) + x, z = ops::tanh(y);
  const Program p = group(program({x, row, w}, {z, y}), StubBackend());
  EXPECT_EQ(group_sizes(p), std::vector<std::size_t>{4});
  EXPECT_EQ(p.outputs[0].node(), p.outputs[1].node());
  EXPECT_EQ(p.outputs[0].spec(), z.spec());
  // One alone stays what it is.
  EXPECT_EQ(group_sizes(group(program({x}, {ops::exp(x)}), StubBackend())).size(), 0u);
  // So does everything on a backend without such kernels.
  EXPECT_EQ(group_sizes(group(program({x, row}, {z}), StubBackend({"fused_elementwise"}))).size(), 0u);
}

TEST(Group, NothingThatWouldWaitForItself) {
  const Value x = matrix("x", 5, 5);
  // The second half needs the product, which needs the first.
  const Value first = ops::exp(ops::square(x)), product = ops::matmul(first, first),
              second = ops::tanh(product) + first;
  const Program p = group(program({x}, {second}), StubBackend());
  EXPECT_EQ(group_sizes(p), (std::vector<std::size_t>{2, 2}));
  EXPECT_EQ(count(p, kMatMul), 1u);
}

TEST(Group, RowsMustBeOneLength) {
  const Value x = input_value("x", {{2, 3, 4}, DType::float32});
  const Value row = input_value("row", {{4}, DType::float32}), rows = input_value("rows", {{3, 4}, DType::float32});
  const Value column = input_value("column", {{2, 3, 1}, DType::float32});
  EXPECT_EQ(group_sizes(group(program({x, row, rows}, {ops::exp(x * row) + rows}), StubBackend())),
            std::vector<std::size_t>{2});
  // An element for each row makes rows as well, on backends that know of it; those of whole images are longer.
  const Program columns = program({x, column, row}, {ops::exp(x * column) + row});
  EXPECT_EQ(group_sizes(group(columns, StubBackend())), std::vector<std::size_t>{3});
  EXPECT_EQ(group_sizes(group(columns, *open_device("cpu"))), std::vector<std::size_t>{2});
  const Value images = input_value("images", {{2, 1, 1}, DType::float32});
  const Value chosen = ops::where(input_value("c", {{2, 1, 1}, DType::boolean}), ops::exp(x) * images, x);
  EXPECT_EQ(
      group_sizes(group(program({x, images, row, chosen.node()->input(0)}, {ops::exp(chosen + row)}), StubBackend())),
      (std::vector<std::size_t>{3, 2}));
  for (const Shape& shape : {Shape{3, 1}, Shape{1, 3, 1}, Shape{2, 1, 4}}) {
    EXPECT_FALSE(reach_of(shape, x.shape()).has_value()) << shape.to_string();
  }
}

TEST(Group, SlicesSumsAndConcatenationsJoin) {
  const Value x = matrix("x", 6, 8), y = matrix("y", 6, 8);
  const Value both = x + y;  // needed in halves only
  const Value a = ops::tanh(ops::slice(both, {0, 0}, {-1, 4})), b = ops::exp(ops::slice(both, {0, 4}, {-1, 4}));
  const Program p = group(program({x, y}, {ops::concatenate({b, a * b}, 1), ops::sum(a, {0})}), StubBackend());
  EXPECT_EQ(count(p, kFusedElementwise), 1u);
  EXPECT_EQ(count(p, kSlice) + count(p, kAdd) + count(p, kConcatenate) + count(p, kSum), 0u);
  // A concatenation along another axis is a step of its own.
  const Program apart = group(program({x, y}, {ops::concatenate({ops::exp(a), b}, 0)}), StubBackend());
  EXPECT_EQ(count(apart, kConcatenate), 1u);
}

TEST(Simplify, GradientsOfSlicesAreConcatenated) {
  const Value x = matrix("x", 3, 10);
  const auto piece = [&](std::int64_t begin, std::int64_t size) { return ops::slice(x, {0, begin}, {-1, size}); };
  const Value all = ops::sum(ops::exp(piece(4, 6))) + ops::sum(ops::tanh(piece(0, 4)));
  const Program p = simplify(program({x}, gradients(all, std::vector<Value>{x})));
  EXPECT_EQ(count(p, kPad), 0u);
  ASSERT_EQ(count(p, kConcatenate), 1u);
  EXPECT_EQ(p.outputs[0].spec(), x.spec());
  // Pieces that overlap, or leave a gap, are added as before.
  for (const std::int64_t size : {5, 3}) {
    const Value some = ops::sum(ops::exp(piece(4, 6))) + ops::sum(ops::tanh(piece(0, size)));
    EXPECT_EQ(count(simplify(program({x}, gradients(some, std::vector<Value>{x}))), kPad), 2u) << size;
  }
}

TEST(Fuse, BiasJoinsAProductSeenInAnotherShape) {
  const Value x = input_value("x", {{2, 3, 5}, DType::float32}), w = matrix("w", 5, 6);
  const Value b = input_value("b", {{6}, DType::float32});
  const Value product = ops::matmul(ops::reshape(x, {6, 5}), w);
  const Program p = fuse(program({x, w, b}, {ops::reshape(product, {2, 3, 6}) + b}), StubBackend());
  EXPECT_EQ(count(p, kMatMulFused), 1u);
  EXPECT_EQ(count(p, kAdd), 0u);
  EXPECT_EQ(p.outputs[0].shape(), (Shape{2, 3, 6}));
  const Program needed = fuse(program({x, w, b}, {ops::reshape(product, {2, 3, 6}) + b, product}), StubBackend());
  EXPECT_EQ(count(needed, kMatMulFused), 0u);
  // A bias as long as another axis than the product's.
  const Value c = input_value("c", {{2}, DType::float32});
  const Program other = fuse(program({x, w, c}, {ops::reshape(product, {3, 6, 2}) + c}), StubBackend());
  EXPECT_EQ(count(other, kMatMulFused), 0u);
}

TEST(Expand, DecomposesUntilTheBackendHasKernels) {
  const Value x = matrix("x", 4, 5);
  const Program p = expand(program({x}, {ops::softmax(x)}), StubBackend({"softmax"}));
  EXPECT_EQ(count(p, kSoftmax), 0u);
  EXPECT_EQ(count(p, kExp), 1u);
}

TEST(Expand, OpWithoutKernelAndDefinitionIsNamed) {
  const Value x = matrix("x", 4, 5);
  try {
    expand(program({x}, {ops::exp(x)}), StubBackend({"exp"}));
    FAIL() << "expected an error";
  } catch (const BackendError& error) {
    EXPECT_NE(std::string(error.what()).find("'exp'"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("stub:0"), std::string::npos);
  }
}

}  // namespace
}  // namespace keratin
