// Rows of ops that look rows up, draw numbers, loop or change variables.
#include <cmath>

#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/recurrent.h"
#include "keratin/core/tensor/philox.h"
#include "tests/support/op_cases.h"

namespace keratin::testing {
namespace {

constexpr std::uint64_t kStream = 0xFEDCBA9876543210u;

OpCase row(std::string name, std::vector<Operand> inputs, std::function<Value(const Values&)> build) {
  return {.name = std::move(name),
          .inputs = std::move(inputs),
          .build = [build = std::move(build)](const Values& in, DType) -> OpGraph { return {{build(in)}}; }};
}

Operand step(double number) { return {{}, DType::int64, 0, 0, {number}}; }

}  // namespace

std::vector<OpCase> gather_cases() {
  std::vector<OpCase> rows;
  const auto take = [](const Values& in) { return ops::take(in[0], in[1]); };
  rows.push_back(row("take", {{{9, 4}}, {{6}, DType::int32, 0, 9}}, take));
  rows.push_back(row("take_matrix_of_ids", {{{5, 3}}, {{2, 7}, DType::int64, 0, 5}}, take));
  rows.push_back(row("take_one", {{{5, 2, 3}}, {{}, DType::int32, 0, 5}}, take));
  rows.push_back(row("take_numbers", {{{11}}, {{4}, DType::int32, 0, 11}}, take));
  rows.push_back(row("take_long_rows", {{{7, 301}}, {{90}, DType::int32, 0, 7}}, take));
  rows.back().tolerance = 1e-5;
  rows.push_back(row("take_outside", {{{3, 2}}, {{5}, DType::int32, 0, 0, {2, -1, 3, 0, 1000}}}, take));
  rows.push_back(row("take_nothing", {{{3, 2}}, {{0}, DType::int32}}, take));
  rows.push_back(row("take_uint8", {{{6, 5}, DType::uint8, 0, 256}, {{4}, DType::int32, 0, 6}}, take));
  rows.push_back(row("take_int64", {{{6, 5}, DType::int64, -9, 9}, {{4}, DType::int32, 0, 6}}, take));
  rows.push_back(row("take_grad", {{{6, 4}}, {{6}, DType::int32, 0, 4}}, [](const Values& in) {
    return apply1(kTakeGrad, TakeGradAttrs{{4, 4}}, in);
  }));
  rows.push_back(row("take_grad_outside", {{{4, 3}}, {{4}, DType::int32, 0, 0, {5, 1, -2, 1}}}, [](const Values& in) {
    return apply1(kTakeGrad, TakeGradAttrs{{3, 3}}, in);
  }));
  // So many ids and elements that the GPU sorts the ids, which are few or hardly meet.
  for (const double ids : {3.0, 20000.0}) {
    const std::string name = ids < 4 ? "take_grad_few_ids" : "take_grad_many_ids";
    rows.push_back(row(name, {{{1500, 3}}, {{1500}, DType::int32, -1, ids}}, [](const Values& in) {
      return apply1(kTakeGrad, TakeGradAttrs{{20000, 3}}, in);
    }));
    rows.back().differentiate = false;
    rows.back().tolerance = 1e-5;
  }

  struct Batch {
    std::string name;
    BatchGatherAttrs attrs;
    std::vector<double> cursor;  // position, rows, first, key, shuffle, unused
  };
  const double key = 123456789012345;
  const std::vector<Batch> batches = {
      {"", {.batch = 4, .row_shape = {3}}, {2, 10, 0, 0, 0, 0}},
      {"_whole", {.batch = 12, .row_shape = {3}}, {0, 12, 0, 0, 0, 0}},
      {"_first", {.batch = 3, .row_shape = {2, 2}}, {1, 5, 6, 0, 0, 0}},
      {"_shuffled", {.batch = 10, .row_shape = {3}}, {0, 10, 1, key, 1, 0}},
      {"_shuffled_middle", {.batch = 3, .row_shape = {3}}, {5, 12, 0, key, 1, 0}},
      {"_labels", {.batch = 5, .row_shape = {}, .from = DType::uint8, .to = DType::int32}, {3, 12, 0, key, 1, 0}},
      {"_int64", {.batch = 5, .row_shape = {1}, .from = DType::int64, .to = DType::int64}, {0, 12, 0, key, 1, 0}},
      {"_int32_to_float", {.batch = 5, .row_shape = {2}, .from = DType::int32}, {0, 12, 0, 0, 0, 0}},
      {"_images",
       {.batch = 7, .row_shape = {5, 3, 1}, .from = DType::uint8, .scale = 1.0 / 127.5, .offset = -1},
       {0, 12, 0, key, 1, 0}},
      {"_to_float64",
       {.batch = 4, .row_shape = {3}, .from = DType::uint8, .to = DType::float64, .scale = 1.0 / 255},
       {0, 12, 0, key, 1, 0}},
      {"_wraps", {.batch = 6, .row_shape = {3}}, {7, 9, 2, 0, 0, 0}},
      {"_wraps_shuffled", {.batch = 6, .row_shape = {3}}, {1000, 9, 3, key, 1, 0}},
      {"_before_the_data", {.batch = 3, .row_shape = {3}}, {-2, 9, 0, 0, 0, 0}},
      {"_no_rows", {.batch = 3, .row_shape = {3}}, {0, 0, 0, key, 1, 0}},
      {"_first_below_zero", {.batch = 3, .row_shape = {3}}, {0, 9, -1, 0, 0, 0}},
      {"_scaled", {.batch = 4, .row_shape = {33}, .scale = 0.5, .offset = 2}, {0, 12, 0, 0, 0, 0}}};
  for (const Batch& b : batches) {
    Shape data = Shape{12}.concat(b.attrs.row_shape);
    const double low = is_floating(b.attrs.from) ? -2 : 0, high = is_floating(b.attrs.from) ? 2 : 200;
    rows.push_back(row("batch_gather" + b.name,
                       {{.shape = data, .dtype = b.attrs.from, .low = low, .high = high, .in_device_memory = true},
                        {{kBatchCursorSize}, DType::int64, 0, 0, b.cursor}},
                       [attrs = b.attrs](const Values& in) { return ops::batch_gather(in[0], in[1], attrs); }));
  }
  rows.push_back(row("advance", {{{kBatchCursorSize}, DType::int64, 0, 0, {128, 60000, 7, key, 1, 0}}},
                     [](const Values& in) { return ops::advance(in[0], 32); }));
  return rows;
}

std::vector<OpCase> random_cases() {
  std::vector<OpCase> rows;
  for (const auto& [name, shape] : std::vector<std::pair<std::string, Shape>>{
           {"", {5, 3}}, {"_scalar", {}}, {"_one_block", {4}}, {"_empty", {0, 3}}, {"_large", {37, 1201}}}) {
    rows.push_back(row("random_uniform" + name, {step(7)},
                       [shape = shape](const Values& in) { return ops::random_uniform(in[0], shape, kStream); }));
    rows.back().tolerance = 0;  // the same bits everywhere
    rows.push_back(row("random_normal" + name, {step(7)},
                       [shape = shape](const Values& in) { return ops::random_normal(in[0], shape, kStream); }));
    rows.back().tolerance = 1e-5;
    for (double rate : {0.0, 0.3, 1.0}) {
      rows.push_back(row("dropout_" + format_number(rate) + name, {{shape}, step(1e12)},
                         [rate](const Values& in) { return ops::dropout(in[0], in[1], rate, kStream); }));
      rows.back().differentiate = shape.size() > 0;
    }
  }
  return rows;
}

std::vector<OpCase> scan_cases() {
  // Inputs: x (length, n, 3), h (n, 4), c (n, 4), kernel (3, 4), recurrent (4, 4), bias (4,), mask (length, n).
  const auto inputs = [](std::int64_t length, std::int64_t n) -> std::vector<Operand> {
    return {
        {{length, n, 3}, DType::float32, -1, 1}, {{n, 4}}, {{n, 4}}, {{3, 4}}, {{4, 4}, DType::float32, -1, 1}, {{4}},
        {{length, n}, DType::boolean, 0, 1}};
  };
  // A small recurrent layer: a matrix product, gates, an output that is a carry and one that is not.
  const auto cell = [](const Values& in) {
    return [=](const Values& x, const Values& carry) -> ops::ScanStep {
      const Value z = ops::matmul(x[0], in[3]) + ops::matmul(carry[0], in[4]) + in[5];
      const Value gate = ops::sigmoid(z), c = gate * carry[1] + (1.0 - gate) * ops::tanh(z);
      const Value h = ops::tanh(c) * gate;
      return {{h, c}, {h, ops::concatenate({c, x[0]}) * 0.5}};
    };
  };
  const auto results = [](const ops::ScanResult& result) {
    Values values = result.carries;
    values.insert(values.end(), result.outputs.begin(), result.outputs.end());
    return OpGraph{values};
  };
  std::vector<OpCase> rows;
  for (const auto& [name, length, n, reverse, masked, zeros] :
       std::vector<std::tuple<std::string, std::int64_t, std::int64_t, bool, bool, bool>>{
           {"", 5, 2, false, false, false},
           {"_backwards", 4, 3, true, false, false},
           {"_once", 1, 2, false, false, false},
           {"_masked", 5, 3, false, true, false},
           {"_masked_backwards_zeros", 4, 2, true, true, true}}) {
    rows.push_back(
        {.name = "scan" + name,
         .inputs = inputs(length, n),
         .build = [=, reverse = reverse, masked = masked, zeros = zeros](const Values& in, DType) -> OpGraph {
           return results(
               ops::scan(cell(in), {in[0]}, {in[1], in[2]},
                         {.reverse = reverse, .mask = masked ? in[6] : Value(), .zero_masked_outputs = zeros}));
         },
         .tolerance = 1e-5});
  }
  // Carries that change places, and that are results of no op of the step.
  rows.push_back({.name = "scan_swaps",
                  .inputs = {{{3, 2}}, {{2}}, {{2}}, {{2}}},
                  .build = [=](const Values& in, DType) -> OpGraph {
                    return results(ops::scan(
                        [](const Values& x, const Values& c) -> ops::ScanStep {
                          return {{c[1], c[2], c[0]}, {x[0], c[0], c[0] + x[0]}};
                        },
                        {in[0]}, {in[1], in[2], in[3]}));
                  }});
  // Integers are carried and collected, without a gradient; a constant is collected; a sum of squares through a slice.
  rows.push_back({.name = "scan_counts",
                  .inputs = {{{4, 3}}, {{}, DType::int32, 0, 9}, {{6}}},
                  .build = [=](const Values& in, DType) -> OpGraph {
                    return results(ops::scan(
                        [&](const Values& x, const Values& c) -> ops::ScanStep {
                          const Value w = in[2] * ops::concatenate({x[0], x[0] * 2.0}, 0);
                          const Value part = ops::slice(w, {1}, {3});
                          return {{c[0] + 1.0}, {c[0] * 2.0, ops::sum(part * part), ops::tanh(part)}};
                        },
                        {in[0]}, {in[1]}));
                  }});
  // A loop in a loop: its weights are outside of both.
  rows.push_back({.name = "scan_nested",
                  .inputs = {{{3, 4, 2}, DType::float32, -1, 1}, {{2}}, {{2, 2}, DType::float32, -1, 1}},
                  .build = [=](const Values& in, DType) -> OpGraph {
                    const auto inner = [=](const Values& x, const Values& c) -> ops::ScanStep {
                      const Value row = ops::reshape(c[0] + x[0], {1, 2});
                      return {{ops::tanh(ops::reshape(ops::matmul(row, in[2]), {2}))}, {}};
                    };
                    return results(ops::scan(
                        [=](const Values& x, const Values& c) -> ops::ScanStep {
                          const Value h = ops::scan(inner, {x[0]}, {c[0]}, {.reverse = true}).carries[0];
                          return {{h}, {h * c[0]}};
                        },
                        {in[0]}, {in[1]}));
                  },
                  .tolerance = 1e-5});
  return rows;
}

namespace {

// Keras's equations, one gate after the other. Inputs as those of the op.
Values composed(RecurrentKind kind, bool reverse, const Values& in) {
  const std::size_t states = states_of(kind);
  const Value &kernel = in[states + 1], &recurrent = in[states + 2];
  const Value bias = in.size() > states + 3 ? in[states + 3] : Value();
  const std::int64_t units = in[1].shape()[1];
  const auto columns = [&](const Value& matrix, std::int64_t gate) {
    return ops::slice(matrix, {0, gate * units}, {-1, units});
  };
  const auto row = [&](std::int64_t which, std::int64_t gate) {
    const Value rows = ops::reshape(bias, {-1, gates_of(kind) * units});
    return ops::reshape(ops::slice(rows, {which, gate * units}, {1, units}), {units});
  };
  const auto step = [&](const Values& x, const Values& carry) -> ops::ScanStep {
    const auto part = [&](const Value& from, const Value& weights, std::int64_t which, std::int64_t gate) {
      const Value product = ops::matmul(from, columns(weights, gate));
      return bias ? product + row(which, gate) : product;
    };
    if (kind == RecurrentKind::lstm) {
      const auto z = [&](std::int64_t gate) {
        return part(x[0], kernel, 0, gate) + ops::matmul(carry[0], columns(recurrent, gate));
      };
      const Value c = ops::sigmoid(z(1)) * carry[1] + ops::sigmoid(z(0)) * ops::tanh(z(2));
      const Value h = ops::sigmoid(z(3)) * ops::tanh(c);
      return {{h, c}, {h}};
    }
    const auto of_x = [&](std::int64_t gate) { return part(x[0], kernel, 0, gate); };
    const auto of_h = [&](std::int64_t gate) { return part(carry[0], recurrent, 1, gate); };
    const Value z = ops::sigmoid(of_x(0) + of_h(0)), r = ops::sigmoid(of_x(1) + of_h(1));
    const Value h = z * carry[0] + (1.0 - z) * ops::tanh(of_x(2) + r * of_h(2));
    return {{h}, {h}};
  };
  const auto first = in.begin() + 1;
  const ops::ScanResult result =
      ops::scan(step, {in[0]}, Values(first, first + static_cast<std::ptrdiff_t>(states)), {.reverse = reverse});
  Values results = result.outputs;
  results.insert(results.end(), result.carries.begin(), result.carries.end());
  return ops::recurrent(kind, reverse, in, results);
}

}  // namespace

std::vector<OpCase> recurrent_cases() {
  std::vector<OpCase> rows;
  struct Row {
    const char* name;
    RecurrentKind kind;
    std::int64_t time, n, features, units;
    bool reverse = false, bias = true, gradient = false;
  };
  for (const Row& row : std::vector<Row>{{"lstm", RecurrentKind::lstm, 5, 3, 4, 6},
                                         {"lstm_backwards", RecurrentKind::lstm, 4, 2, 3, 5, true},
                                         {"lstm_once", RecurrentKind::lstm, 1, 2, 3, 4, true, false},
                                         {"lstm_gradient", RecurrentKind::lstm, 3, 2, 3, 4, true, true, true},
                                         {"gru", RecurrentKind::gru, 5, 3, 4, 6},
                                         {"gru_backwards", RecurrentKind::gru, 4, 2, 3, 5, true},
                                         {"gru_once", RecurrentKind::gru, 1, 2, 3, 4, false, false},
                                         {"gru_gradient", RecurrentKind::gru, 3, 2, 3, 4, false, true, true}}) {
    const std::int64_t width = gates_of(row.kind) * row.units;
    const std::size_t states = states_of(row.kind);
    std::vector<Operand> inputs = {{{row.time, row.n, row.features}, DType::float32, -1, 1}};
    inputs.resize(1 + states, {{row.n, row.units}, DType::float32, -1, 1});
    inputs.push_back({{row.features, width}, DType::float32, -1, 1});
    inputs.push_back({{row.units, width}, DType::float32, -1, 1});
    if (row.bias) inputs.push_back({row.kind == RecurrentKind::lstm ? Shape{width} : Shape{2, width}});
    const std::size_t own = inputs.size();
    if (row.gradient) {
      inputs.push_back({{row.time, row.n, row.units}});
      inputs.resize(own + 1 + states, {{row.n, row.units}});
    }
    rows.push_back({.name = std::string("recurrent_") + row.name,
                    .inputs = inputs,
                    .build = [=](const Values& in, DType) -> OpGraph {
                      const auto end = in.begin() + static_cast<std::ptrdiff_t>(own);
                      const Values results = composed(row.kind, row.reverse, Values(in.begin(), end));
                      if (!row.gradient) return {results};
                      return {kRecurrent.gradient(*results[0].node(), Values(end, in.end()))};
                    },
                    .tolerance = 1e-5,
                    .differentiate_twice = !row.gradient});
  }
  // In a loop, whose steps' addresses are those of floats and no more.
  rows.push_back({.name = "recurrent_in_a_loop",
                  .inputs = {{{2, 3, 1, 3}, DType::float32, -1, 1},
                             {{1, 5}, DType::float32, -1, 1},
                             {{3, 15}, DType::float32, -1, 1},
                             {{5, 15}, DType::float32, -1, 1}},
                  .build = [](const Values& in, DType) -> OpGraph {
                    const ops::ScanResult result = ops::scan(
                        [&](const Values& x, const Values& h) -> ops::ScanStep {
                          const Values y = composed(RecurrentKind::gru, false, {x[0], h[0], in[2], in[3]});
                          return {{y[1]}, {y[0]}};
                        },
                        {in[0]}, {in[1]});
                    return {{result.carries[0], result.outputs[0]}};
                  },
                  .tolerance = 1e-5,
                  .differentiate_twice = false});
  return rows;
}

namespace {

// A variable with numbers in [low, low + 1).
VariablePtr make_variable(const Shape& shape, DType dtype, std::uint64_t stream, double low = -0.5) {
  return std::make_shared<VariableState>("v" + std::to_string(stream), shape, dtype, [=] {
    std::vector<float> values;
    for (std::int64_t i = 0; i < shape.size(); ++i) {
      const auto block = philox_at(stream, 0, static_cast<std::uint64_t>(i / 4));
      values.push_back(static_cast<float>(low) + uniform_from_bits(block.x[i % 4]));
    }
    return Tensor(shape, values).astype(dtype);
  });
}

struct Update {
  std::string name;
  const OpDef* op;
  int slots;
  UpdateAttrs attrs;  // without variables, slots and decay
  Values scalars;
  double decay = 0;
};

OpCase update_row(const Update& u, const std::vector<Shape>& shapes = {{3, 5}, {5}, {}, {1}, {67, 33}}) {
  std::vector<Operand> gradients;
  for (const Shape& shape : shapes) gradients.push_back({.shape = shape, .differentiate = false});
  return {.name = u.name,
          .inputs = gradients,
          .build = [=](const Values& in, DType floating) -> OpGraph {
            UpdateAttrs attrs = u.attrs;
            std::uint64_t stream = 1;
            for (std::size_t i = 0; i < shapes.size(); ++i) {
              attrs.variables.push_back(make_variable(shapes[i], floating, stream++));
              // As with biases, which decay leaves alone.
              attrs.decay.push_back(i == 1 ? 0 : u.decay);
            }
            for (int slot = 0; slot < u.slots; ++slot) {
              // Averages of squares are never negative.
              for (const Shape& shape : shapes) {
                attrs.slots.push_back(make_variable(shape, floating, stream++, slot == u.slots - 1 ? 0.0 : -0.5));
              }
            }
            return {.updates = {ops::apply_update(*u.op, attrs, u.scalars, in)}};
          },
          .tolerance = 2e-6};
}

}  // namespace

std::vector<OpCase> update_cases() {
  std::vector<OpCase> rows;
  for (const Update& u :
       std::vector<Update>{{"sgd", &kSgdUpdate, 0, {}, {0.1}},
                           {"sgd_decay", &kSgdUpdate, 0, {}, {0.1}, 0.01},
                           {"sgd_momentum", &kSgdUpdate, 1, {.a = 0.9}, {0.1}},
                           {"sgd_nesterov", &kSgdUpdate, 1, {.a = 0.9, .flag = true}, {0.1}, 0.01},
                           {"adam", &kAdamUpdate, 2, {.a = 0.9, .b = 0.999, .epsilon = 1e-7}, {0.001, 0.0003}},
                           {"adamw", &kAdamUpdate, 2, {.a = 0.9, .b = 0.99, .epsilon = 1e-3}, {0.01, 0.02}, 0.004},
                           {"rmsprop", &kRmspropUpdate, 1, {.a = 0.9, .epsilon = 1e-7}, {0.001}},
                           {"rmsprop_decay", &kRmspropUpdate, 1, {.a = 0.95, .epsilon = 1e-5}, {0.01}, 0.02}}) {
    rows.push_back(update_row(u));
  }
  // Its slots are velocity, then momentum: both may be positive here.
  rows.push_back(update_row({"rmsprop_momentum", &kRmspropUpdate, 2, {.a = 0.9, .b = 0.5, .epsilon = 1.0}, {0.01}}));
  // More variables than a GPU updates in one launch, and one that is updated in pieces.
  std::vector<Shape> many(50, Shape{7});
  many[20] = {3, 50, 41};
  rows.push_back(
      update_row({"adam_many", &kAdamUpdate, 2, {.a = 0.9, .b = 0.999, .epsilon = 1e-7}, {0.001, 0.0003}}, many));
  // Every read sees the step's beginning, also those of one write that changes several variables.
  rows.push_back({.name = "sgd_swap", .build = [](const Values&, DType floating) -> OpGraph {
                    const VariablePtr a = make_variable({70, 9}, floating, 1), b = make_variable({70, 9}, floating, 2);
                    return {.updates = {ops::apply_update(kSgdUpdate, {.variables = {a, b}, .decay = {0, 0}}, {0.5},
                                                          {read(b), read(a)})}};
                  }});
  rows.push_back({.name = "assign_swap", .build = [](const Values&, DType floating) -> OpGraph {
                    const VariablePtr a = make_variable({3, 4}, floating, 1), b = make_variable({3, 4}, floating, 2);
                    return {{read(a) + read(b)}, {assign(a, read(b)), assign(b, read(a))}};
                  }});
  return rows;
}

}  // namespace keratin::testing
