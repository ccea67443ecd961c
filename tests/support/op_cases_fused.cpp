// Element-wise ops that are computed together: as the compiler finds them, and in shapes it seldom makes.
#include "keratin/core/ops/fused_elementwise.h"

#include "keratin/core/graph/leaves.h"
#include "tests/support/op_cases.h"

namespace keratin::testing {
namespace {

using Body = std::function<Values(const Values&)>;

// The op itself, with what `body` composes of its inputs.
OpCase fused(const std::string& name, std::vector<Operand> inputs, Body body) {
  return {
      .name = "fused_" + name,
      .inputs = std::move(inputs),
      .build = [body](const Values& in, DType) -> OpGraph {
        ScanBody graph;
        for (const Value& x : in) graph.inputs.push_back(apply1(kScanInput, ScanInputAttrs{"x", x.spec()}, {}));
        graph.outputs = body(graph.inputs);
        // As the compiler does it, numbers come from outside.
        Values arguments = in, numbers, stand_ins;
        for (const NodePtr& node : topological_order(graph.outputs)) {
          if (!node->is(kConstant)) continue;
          numbers.push_back(node->output());
          stand_ins.push_back(apply1(kScanInput, ScanInputAttrs{"x", node->outputs()[0]}, {}));
        }
        graph.outputs = substitute(graph.outputs, numbers, stand_ins);
        graph.inputs.insert(graph.inputs.end(), stand_ins.begin(), stand_ins.end());
        arguments.insert(arguments.end(), numbers.begin(), numbers.end());
        return {apply(kFusedElementwise, FusedElementwiseAttrs{std::make_shared<const ScanBody>(graph)}, arguments)};
      },
      .tolerance = 1e-5,
      .differentiate = false};
}

Value part(const Value& x, std::int64_t begin, std::int64_t size) {
  std::vector<std::int64_t> first(static_cast<std::size_t>(x.rank()), 0), length(first.size(), -1);
  first.back() = begin;
  length.back() = size;
  return ops::slice(x, first, length);
}

// Parts of wide arrays come in, others go out, one value is asked for several times, and some are summed up.
Values gates(const Values& in) {
  const std::int64_t n = in[1].shape()[-1];
  const Value a = ops::sigmoid(part(in[0], 0, n)), b = ops::tanh(part(in[0], n, n) + in[1]);
  const Value c = a * b - part(in[0], 2 * n, n), unused_outside = ops::square(c);
  std::vector<int> axes;
  for (int axis = 0; axis + 1 < c.rank(); ++axis) axes.push_back(axis);
  return {c,
          ops::concatenate({b, c, ops::relu(unused_outside - in[2])}, -1),
          ops::sum(unused_outside, axes),
          ops::mean(in[1], axes, true),
          part(in[0], n, n),
          a};
}

// Every kind of op, with numbers and rows on either side.
Values all_kinds(const Values& in) {
  const Value &x = in[0], &row = in[1], &number = in[2];
  const Value positive = ops::abs(x) + 0.5;
  Value y = ops::exp(-x) + ops::expm1(x * 0.5) - ops::log(positive) / ops::sqrt(positive);
  y = y + ops::rsqrt(positive) * ops::reciprocal(positive) + ops::log1p(positive) + ops::sin(x) * ops::cos(x);
  y = y + ops::softplus(x) + ops::erf(x) + ops::arctan(x) + ops::floor(x) + ops::ceil(x) - ops::round(x) * ops::sign(x);
  const Value z = ops::maximum(row, x) - ops::minimum(x, number) + (number - x) * (row - x) + (x - row) / positive;
  return {y,
          z,
          ops::power(positive, number),
          row / positive,
          apply1(kTanhGrad, {}, {y, z}),
          apply1(kSigmoidGrad, {}, {z, x}),
          apply1(kReluGrad, {}, {y, x})};
}

}  // namespace

std::vector<OpCase> fused_cases() {
  std::vector<OpCase> rows;
  const struct {
    const char* name;
    Shape rows;  // all axes but the last
    std::int64_t n;
  } sizes[] = {
      {"rows", {7}, 5}, {"one_row", {1}, 9}, {"pieces", {3, 50}, 24}, {"wide", {5}, 1500}, {"many", {700}, 128}};
  for (const auto& s : sizes) {
    const Shape whole = s.rows.concat({s.n}), three = s.rows.concat({3 * s.n});
    rows.push_back(fused(std::string("gates_") + s.name, {{three}, {whole}, {{s.n}}}, gates));
    rows.push_back(fused(std::string("kinds_") + s.name, {{whole}, {{s.n}}, {{}, DType::float32, 1, 1.5}}, all_kinds));
    rows.back().tolerance = 2e-4;  // 1 - z * z cancels
  }
  rows.push_back(fused("channels", {{{2, 2, 3, 3}}, {{2, 2, 3, 3}}, {{1, 1, 1, 1}}}, [](const Values& in) -> Values {
    const Value red = part(in[0], 0, 1), blue = part(in[0], 2, 1), g = in[2] * part(in[1], 2, 1), h = g * blue;
    return {blue, ops::concatenate({red * blue, blue - red, ops::abs(red)}, -1), g, h, h * red};
  }));
  // An element for each row, and a choice for each row or element; some backends leave these to other ops.
  for (const std::int64_t n : {5, 600}) {
    rows.push_back(
        fused(n < 9 ? "columns" : "long_columns",
              {{{7, n}}, {{7, n}}, {{7, 1}}, {{7, 1}, DType::boolean}, {{7, n}, DType::boolean}, {{n}, DType::boolean}},
              [](const Values& in) -> Values {
                const Value centred = (in[0] - in[2]) * in[2], kept = ops::where(in[3], centred, in[1]);
                return {kept, ops::where(in[4], ops::tanh(kept), 0.5f * in[0]), ops::where(in[5], in[1], kept)};
              }));
  }
  rows.push_back(fused("columns_of_images", {{{2, 3, 2, 4}}, {{2, 1, 1, 1}, DType::boolean}, {{2, 1, 1, 1}}},
                       [](const Values& in) -> Values {
                         const Value y = ops::exp(in[0]) * in[2];
                         return {y, ops::where(in[1], y, in[0])};
                       }));
  // So many that threads of a GPU take several neighbours each.
  rows.push_back(fused("vectors", {{{2048, 128}}, {{128}}}, [](const Values& in) -> Values {
    const Value y = ops::tanh(in[0]) * in[1];
    return {y, ops::square(y - in[0])};
  }));
  rows.push_back(fused("one_number", {{{1}}, {{}}}, [](const Values& in) -> Values {
    return {ops::exp(in[0]) * in[0], ops::square(in[0])};
  }));
  // What the compiler makes of it: results in the memory of operands that nobody needs afterwards.
  rows.push_back({.name = "group_in_place",
                  .inputs = {{{40, 30}, DType::float32, -0.3, 0.3},
                             {{30, 50}, DType::float32, -0.3, 0.3},
                             {{30, 50}, DType::float32, -0.3, 0.3}},
                  .build = [](const Values& in, DType) -> OpGraph {
                    const Value a = ops::matmul(in[0], in[1]), b = ops::matmul(in[0], in[2]);
                    const Value sum = a + b, product = a * b;
                    return {{ops::matmul(ops::transpose(sum, {1, 0}), product), ops::exp(a - b) + product * a,
                             ops::mean(a, {0}), ops::sum(product - sum, {0}), ops::tanh(b)}};
                  },
                  .tolerance = 1e-5,
                  .finite_differences = false,
                  .differentiate_twice = false});
  // Channels of two images that nobody needs afterwards, and results of the images' shape.
  rows.push_back({.name = "group_channels_in_place",
                  .inputs = {{{20, 30}, DType::float32, -0.3, 0.3}, {{30, 6}}, {{30, 6}}},
                  .build = [](const Values& in, DType) -> OpGraph {
                    const Value x = ops::matmul(in[0], in[1]), y = ops::matmul(in[0], in[2]);
                    const Value a = part(x, 0, 2), b = part(x, 4, 2), c = part(y, 2, 2);
                    const Value wide = ops::concatenate({a * b, ops::tanh(b), a - b}, -1), last = c * ops::exp(a);
                    return {{ops::matmul(wide, ops::transpose(wide, {1, 0})), last, last * b}};
                  },
                  .tolerance = 1e-5,
                  .differentiate_twice = false});
  // The gates of a recurrent layer: slices of a sum, and the gradient that puts them together again.
  rows.push_back({.name = "group_gates",
                  .inputs = {{{6, 40}}, {{40}}, {{6, 10}}},
                  .build = [](const Values& in, DType) -> OpGraph {
                    const Value z = in[0] * 2.0 + in[1];
                    const Value c = ops::sigmoid(part(z, 0, 10)) * ops::tanh(part(z, 10, 10)) +
                                    ops::sigmoid(part(z, 20, 10)) * in[2];
                    return {{c, ops::sigmoid(part(z, 30, 10)) * ops::tanh(c)}};
                  },
                  .differentiate_twice = false});
  return rows;
}

}  // namespace keratin::testing
