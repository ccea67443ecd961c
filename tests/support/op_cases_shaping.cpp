// Rows of reductions and of ops that move elements.
#include "tests/support/op_cases.h"

namespace keratin::testing {
namespace {

OpCase row(std::string name, std::vector<Operand> inputs, std::function<Values(const Values&)> build) {
  return {.name = std::move(name),
          .inputs = std::move(inputs),
          .build = [build = std::move(build)](const Values& in, DType) -> OpGraph { return {build(in)}; }};
}

std::string text_of(const std::vector<int>& axes) {
  std::string result;
  for (int axis : axes) result += "_" + std::to_string(axis);
  return result.empty() ? "_all" : result;
}

}  // namespace

std::vector<OpCase> reduce_cases() {
  using Reduce = Value (*)(Value, std::vector<int>, bool);
  struct Function {
    std::string name;
    Reduce function;
    double low = -2, high = 2;
  };
  const std::vector<Function> functions = {{"sum", ops::sum},
                                           {"mean", ops::mean},
                                           {"max", ops::max},
                                           {"min", ops::min},
                                           {"prod", ops::prod, 0.5, 1.6},
                                           {"variance", ops::variance},
                                           {"logsumexp", ops::logsumexp, -5, 5}};
  std::vector<OpCase> rows;
  for (const Function& f : functions) {
    const auto add = [&](const std::string& name, Shape shape, std::vector<int> axes, bool keepdims) {
      rows.push_back(row(f.name + name, {{std::move(shape), DType::float32, f.low, f.high}},
                         [=](const Values& in) { return Values{f.function(in[0], axes, keepdims)}; }));
      rows.back().tolerance = 1e-5;
    };
    for (const std::vector<int>& axes : std::vector<std::vector<int>>{{}, {0}, {1}, {2}, {0, 1}, {1, 2}, {0, 2}}) {
      add(text_of(axes), {3, 4, 5}, axes, false);
    }
    add("_keepdims", {3, 4, 5}, {1}, true);
    add("_keepdims_ends", {3, 4, 5}, {0, 2}, true);
    add("_size_one", {1, 4, 1}, {0, 2}, false);
    add("_scalar", {}, {}, false);
    add("_odd_rows", {5, 67}, {1}, false);
    add("_odd_columns", {67, 5}, {0}, false);
    add("_four_axes", {2, 3, 4, 5}, {0, 2}, false);
    if (f.name != "prod") {
      add("_large", {37, 1201}, {1}, false);
      add("_large_columns", {1201, 37}, {0}, false);
      add("_large_all", {63, 513}, {}, false);
      rows.back().tolerance = 1e-4;
    }
  }
  // A channel axis, as batch normalisation sums.
  rows.push_back(row("mean_channels", {{{4, 5, 6, 7}}}, [](const Values& in) {
    return Values{ops::mean(in[0], {0, 1, 2}, true), ops::sum(in[0], {0, 1, 2})};
  }));
  rows.back().tolerance = 1e-5;
  rows.push_back(row("sum_empty", {{{0, 3}}}, [](const Values& in) {
    return Values{ops::sum(in[0], {0}), ops::sum(in[0], {1}), ops::prod(in[0])};
  }));
  rows.back().differentiate = false;
  for (DType dtype : {DType::int32, DType::int64, DType::uint8, DType::boolean}) {
    rows.push_back(row("sum_" + std::string(name_of(dtype)), {{{4, 9}, dtype, 0, 50}}, [](const Values& in) {
      return Values{ops::sum(in[0], {1}), ops::mean(in[0], {0})};
    }));
  }
  for (DType dtype : {DType::int32, DType::int64}) {
    rows.push_back(row("max_" + std::string(name_of(dtype)), {{{4, 9}, dtype, -50, 50}}, [](const Values& in) {
      return Values{ops::max(in[0], {1}), ops::min(in[0], {0}), ops::prod(in[0], {0})};
    }));
  }
  // The gradient of ties is shared, which finite differences do not know.
  rows.push_back(row("max_ties", {{{2, 4}, DType::float32, 0, 0, {1, 3, 3, 0, 2, 2, 2, 2}}}, [](const Values& in) {
    return Values{ops::max(in[0], {1}), ops::min(in[0], {1})};
  }));
  rows.back().finite_differences = false;
  rows.push_back(row("prod_zeros", {{{3, 3}, DType::float32, 0, 0, {0, 2, 3, 0, 0, 5, 1, -2, 4}}},
                     [](const Values& in) { return Values{ops::prod(in[0], {1})}; }));
  rows.back().differentiate_twice = false;  // the zeros stay where they are
  rows.push_back(row("max_extreme", {{{3, 2}, DType::float32, 0, 0, {kNan, 1, -kInfinity, -kInfinity, 2, kInfinity}}},
                     [](const Values& in) {
                       return Values{ops::max(in[0], {1}), ops::min(in[0], {1})};
                     }));
  rows.back().differentiate = false;
  rows.push_back(row("logsumexp_extreme",
                     {{{4, 2}, DType::float32, 0, 0, {1000, 1000, -1000, -1001, -kInfinity, -kInfinity, kInfinity, 1}}},
                     [](const Values& in) { return Values{ops::logsumexp(in[0], {1})}; }));
  rows.back().differentiate = false;
  for (int axis = 0; axis < 3; ++axis) {
    rows.push_back(row("argmax_" + std::to_string(axis), {{{4, 5, 6}}},
                       [axis](const Values& in) { return Values{ops::argmax(in[0], axis)}; }));
    rows.back().differentiate = false;
  }
  // Longer than what a warp of a GPU takes.
  rows.push_back(row("argmax_long", {{{4, 5000}}, {{5000, 3}, DType::int32, 0, 50}}, [](const Values& in) {
    return Values{ops::argmax(in[0], 1), ops::argmax(in[1], 0)};
  }));
  rows.back().differentiate = false;
  rows.push_back(row("argmax_ties", {{{5, 40}, DType::int32, 0, 3}}, [](const Values& in) {
    return Values{ops::argmax(in[0]), ops::argmax(ops::cast(in[0], DType::float32)), ops::argmax(in[0], 0)};
  }));
  rows.push_back(row("sum_to", {{{3, 2, 4}}}, [](const Values& in) {
    return Values{ops::sum_to(in[0], {2, 1}), ops::sum_to(in[0], {1, 2, 4}), ops::sum_to(in[0], {})};
  }));
  return rows;
}

std::vector<OpCase> sorting_cases() {
  std::vector<OpCase> rows;
  const auto argsort = [](const Values& in) { return Values{ops::argsort(in[0])}; };
  const auto add = [&](OpCase row) {
    row.differentiate = false;
    rows.push_back(std::move(row));
  };
  add(row("argsort", {{{4, 7}}}, argsort));
  add(row("argsort_long", {{{40, 301}}}, argsort));
  add(row("argsort_ties", {{{5, 40}, DType::int32, -3, 3}}, argsort));
  add(row("argsort_uint8", {{{3, 9}, DType::uint8, 0, 5}}, argsort));
  add(row("argsort_int64", {{{9}, DType::int64, -900, 900}}, argsort));
  // Rows that the GPU merges from sorted runs; below, sums that it takes in blocks of blocks.
  add(row("argsort_runs", {{{3, 2500}}}, argsort));
  add(row("argsort_runs_ties", {{{2, 3000}, DType::int32, -3, 3}}, argsort));
  add(row("argsort_axis", {{{4, 5, 3}}}, [](const Values& in) {
    return Values{ops::argsort(in[0], 0), ops::argsort(in[0], 1)};
  }));
  add(row("argsort_odd", {{{2, 5}, DType::float32, 0, 0, {kNan, 1, kInfinity, -1, kNan, 0, 0, kNan, -kInfinity, 0}}},
          argsort));
  add(row("argsort_empty", {{{0, 3}}}, argsort));
  add(row("argsort_of_nothing", {{{3, 0}}}, argsort));
  rows.push_back(row("sort", {{{4, 6}}}, [](const Values& in) { return Values{ops::sort(in[0])}; }));
  rows.push_back(row("sort_axis", {{{4, 3, 2}}}, [](const Values& in) { return Values{ops::sort(in[0], 1)}; }));
  for (bool reverse : {false, true}) {
    for (int axis = 0; axis < 3; ++axis) {
      rows.push_back(
          row("cumsum_" + std::to_string(axis) + (reverse ? "_reverse" : ""), {{{3, 4, 5}}}, [=](const Values& in) {
            return Values{apply1(kCumsum, CumsumAttrs{axis, reverse}, {in[0]})};
          }));
    }
  }
  rows.push_back(row("cumsum_long", {{{70, 1001}}}, [](const Values& in) { return Values{ops::cumsum(in[0], 1)}; }));
  rows.back().tolerance = 2e-5;
  add(row("cumsum_blocks", {{{2, 20000}, DType::float32, -0.01, 0.01}}, [](const Values& in) {
    return Values{ops::cumsum(in[0], 1), apply1(kCumsum, CumsumAttrs{1, true}, {in[0]})};
  }));
  rows.push_back(row("cumsum_int32", {{{3, 5}, DType::int32, -50, 50}}, [](const Values& in) {
    return Values{ops::cumsum(in[0], 0), ops::cumsum(in[0], 1), ops::cumsum(ops::greater(in[0], 0.0), 1)};
  }));
  add(row("cumsum_empty", {{{3, 0}}}, [](const Values& in) {
    return Values{ops::cumsum(in[0], 0), ops::cumsum(in[0], 1)};
  }));
  rows.push_back(row("cumprod", {{{3, 4}, DType::float32, 0.5, 1.6}}, [](const Values& in) {
    return Values{ops::cumprod(in[0], 0), ops::cumprod(in[0], 1)};
  }));
  return rows;
}

std::vector<OpCase> shaping_cases() {
  std::vector<OpCase> rows;
  rows.push_back(row("reshape", {{{3, 4, 5}}}, [](const Values& in) {
    return Values{ops::reshape(in[0], {5, -1}) * 1.5, ops::flatten(in[0]) * 2.0, ops::reshape(in[0], {60, 1})};
  }));
  const std::vector<std::pair<Shape, std::vector<int>>> permutations = {{{3, 5}, {1, 0}},
                                                                        {{17, 33}, {1, 0}},
                                                                        {{2, 3, 4}, {0, 2, 1}},
                                                                        {{2, 3, 4}, {1, 0, 2}},
                                                                        {{2, 3, 4}, {2, 1, 0}},
                                                                        {{2, 3, 4}, {2, 0, 1}},
                                                                        {{2, 3, 4, 5}, {0, 3, 1, 2}},
                                                                        {{2, 3, 4, 5}, {0, 2, 3, 1}},
                                                                        {{2, 3, 4, 5}, {3, 2, 0, 1}},
                                                                        {{1, 7, 1, 3}, {3, 0, 1, 2}},
                                                                        {{0, 3}, {1, 0}},
                                                                        {{70, 130}, {1, 0}},
                                                                        {{3, 40, 70}, {0, 2, 1}}};
  for (const auto& [shape, permutation] : permutations) {
    rows.push_back(
        row("transpose_" + std::to_string(shape[0]) + text_of(permutation), {{shape}},
            [permutation = permutation](const Values& in) { return Values{ops::transpose(in[0], permutation)}; }));
    rows.back().differentiate = shape.size() > 0;
  }
  for (DType dtype : {DType::int64, DType::uint8, DType::boolean}) {
    rows.push_back(row("shaping_" + std::string(name_of(dtype)), {{{4, 6}, dtype, 0, 100}}, [](const Values& in) {
      const Value& x = in[0];
      return Values{ops::transpose(x, {1, 0}),       ops::concatenate({x, x}, 1), ops::slice(x, {1, 2}, {2, 3}),
                    ops::broadcast_to(x, {2, 4, 6}), ops::pad(x, {1, 0}, {0, 2}), ops::reshape(x, {24})};
    }));
  }
  const std::vector<std::pair<Shape, Shape>> broadcasts = {
      {{}, {3, 4}},           {{1}, {5}},       {{4}, {3, 4}},
      {{3, 1}, {3, 4}},       {{1, 4}, {3, 4}}, {{2, 1, 3}, {2, 5, 3}},
      {{1, 3, 1}, {2, 3, 4}}, {{1}, {0}},       {{33, 1}, {33, 65}}};
  for (const auto& [from, to] : broadcasts) {
    rows.push_back(row("broadcast_to_" + std::to_string(rows.size()), {{from}},
                       [to = to](const Values& in) { return Values{ops::broadcast_to(in[0], to)}; }));
    rows.back().differentiate = to.size() > 0;
  }
  for (int axis = 0; axis < 3; ++axis) {
    Shape a{2, 3, 4}, b = a, c = a;
    b[axis] = 1;
    c[axis] = 5;
    rows.push_back(row("concatenate_" + std::to_string(axis), {{a}, {b}, {c}},
                       [axis](const Values& in) { return Values{ops::concatenate(in, axis)}; }));
    rows.push_back(row("stack_" + std::to_string(axis), {{a}, {a}},
                       [axis](const Values& in) { return Values{ops::stack(in, axis)}; }));
    rows.push_back(row("repeat_" + std::to_string(axis), {{a}},
                       [axis](const Values& in) { return Values{ops::repeat(in[0], 3, axis)}; }));
    rows.push_back(row("split_" + std::to_string(axis), {{{4, 6, 2}}}, [axis](const Values& in) {
      Values parts = ops::split(in[0], 2, axis);
      return Values{parts[0] * 2.0, parts[1]};
    }));
  }
  rows.push_back(row("concatenate_same_twice", {{{2, 3}}}, [](const Values& in) {
    return Values{ops::concatenate({in[0], in[0]})};
  }));
  rows.push_back(row("concatenate_empty", {{{2, 3}}, {{0, 3}}}, [](const Values& in) {
    return Values{ops::concatenate({in[0], in[1]}, 0)};
  }));
  const Shape box{5, 6, 7};
  rows.push_back(row("slice", {{box}}, [](const Values& in) {
    return Values{ops::slice(in[0], {1, 2, 3}, {2, 3, 4}), ops::slice(in[0], {0, 0, 6}, {-1, -1, -1}),
                  ops::slice(in[0], {4, 0, 0}, {1, -1, -1})};
  }));
  rows.push_back(row("slice_nothing", {{box}}, [](const Values& in) {
    return Values{ops::slice(in[0], {2, 0, 0}, {0, -1, -1})};
  }));
  rows.back().differentiate = false;
  rows.push_back(row("pad", {{{3, 4}}}, [](const Values& in) {
    return Values{ops::pad(in[0], {1, 0}, {2, 3}), ops::pad(in[0], {0, 2}, {0, 0}, -1.5)};
  }));
  rows.push_back(row("pad_image", {{{2, 3, 4, 5}}}, [](const Values& in) {
    return Values{ops::pad(in[0], {0, 1, 2, 0}, {0, 2, 1, 0})};
  }));
  rows.push_back(row("pad_empty", {{{0, 4}}}, [](const Values& in) {
    return Values{ops::pad(in[0], {2, 0}, {1, 1}, 7)};
  }));
  rows.back().differentiate = false;
  rows.push_back(row("axes", {{{3, 1, 4}}}, [](const Values& in) {
    return Values{ops::squeeze(in[0], 1) * 2.0, ops::expand_dims(in[0], -1) + 1.0};
  }));
  rows.push_back(row("iota", {}, [](const Values&) {
    return Values{ops::iota({7}, 0),
                  ops::iota({3, 5}, 0),
                  ops::iota({3, 5}, 1, DType::float32),
                  ops::iota({2, 3, 4}, 1, DType::int64),
                  ops::iota({2, 3, 4}, 2, DType::uint8),
                  ops::iota({4, 0}, 0)};
  }));
  rows.push_back(row("like", {{{3, 4}}, {{5}, DType::int32}}, [](const Values& in) {
    return Values{ops::zeros_like(in[0]) + ops::ones_like(in[0]), ops::ones_like(in[1])};
  }));
  rows.back().differentiate = false;
  return rows;
}

}  // namespace keratin::testing
