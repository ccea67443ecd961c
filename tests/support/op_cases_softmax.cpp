// Rows of softmax and the cross-entropies.
#include "tests/support/op_cases.h"

namespace keratin::testing {
namespace {

constexpr DType kFloat = DType::float32;

OpCase row(std::string name, std::vector<Operand> inputs, std::function<Value(const Values&)> build) {
  return {.name = std::move(name),
          .inputs = std::move(inputs),
          .build = [build = std::move(build)](const Values& in, DType) -> OpGraph { return {{build(in)}}; },
          .tolerance = 5e-6};
}

// Labels in [0, classes) for an x of this shape.
Operand labels_for(const Shape& x) { return {x.slice(0, -1), DType::int32, 0, static_cast<double>(x[-1])}; }

}  // namespace

std::vector<OpCase> softmax_cases() {
  std::vector<OpCase> rows;
  const std::vector<std::pair<std::string, Shape>> shapes = {
      {"", {3, 5}},      {"_vector", {7}},      {"_one_class", {4, 1}}, {"_three_axes", {2, 3, 10}},
      {"_odd", {9, 67}}, {"_large", {53, 301}}, {"_long", {3, 3000}},   {"_no_rows", {0, 4}}};
  for (const auto& [name, shape] : shapes) {
    const Operand x{shape, kFloat, -6, 6};
    std::vector<OpCase> family = {
        row("softmax" + name, {x}, [](const Values& in) { return ops::softmax(in[0]); }),
        row("log_softmax" + name, {x}, [](const Values& in) { return ops::log_softmax(in[0]); }),
        row("softmax_grad" + name, {{shape}, {shape, kFloat, 0, 1}},
            [](const Values& in) { return apply1(kSoftmaxGrad, {}, in); }),
        row("log_softmax_grad" + name, {{shape}, {shape, kFloat, -3, 0}},
            [](const Values& in) { return apply1(kLogSoftmaxGrad, {}, in); }),
        row("categorical_crossentropy" + name, {{shape, kFloat, 0, 1, {}, false}, {shape, kFloat, 0.1, 1}},
            [](const Values& in) { return ops::categorical_crossentropy(in[0], in[1]); }),
        row("categorical_crossentropy_logits" + name, {{shape, kFloat, 0, 1, {}, false}, x},
            [](const Values& in) { return ops::categorical_crossentropy(in[0], in[1], true); })};
    for (bool from_logits : {false, true}) {
      const std::string suffix = (from_logits ? "_logits" : "") + name;
      const Operand scores = from_logits ? x : Operand{shape, kFloat, 0.1, 1};
      family.push_back(row("sparse_crossentropy" + suffix, {scores, labels_for(shape)}, [=](const Values& in) {
        return ops::sparse_categorical_crossentropy(in[1], in[0], from_logits);
      }));
      family.push_back(row(
          "sparse_crossentropy_grad" + suffix, {{shape.slice(0, -1)}, scores, labels_for(shape)},
          [=](const Values& in) { return apply1(kSparseCrossentropyGrad, SparseCrossentropyAttrs{from_logits}, in); }));
      family.back().differentiate_twice = false;
    }
    for (OpCase& op_case : family) {
      op_case.differentiate = shape.size() > 0;
      rows.push_back(op_case);
    }
  }
  for (int axis : {0, 1}) {
    rows.push_back(row("softmax_axis_" + std::to_string(axis), {{{3, 4, 5}}},
                       [axis](const Values& in) { return ops::softmax(in[0], axis); }));
    rows.push_back(row("log_softmax_axis_" + std::to_string(axis), {{{3, 4, 5}}},
                       [axis](const Values& in) { return ops::log_softmax(in[0], axis); }));
  }
  // Large logits must not overflow, and certain predictions must give no infinite loss.
  const Operand large{{3, 3}, kFloat, 0, 0, {1000, 999, 0, -1000, -1000, -1001, 80, -80, 0}};
  const Operand labels{{3}, DType::int32, 0, 0, {0, 2, 1}};
  rows.push_back(row("softmax_large_logits", {large}, [](const Values& in) { return ops::softmax(in[0]); }));
  rows.back().finite_differences = false;
  rows.push_back(row("log_softmax_large_logits", {large}, [](const Values& in) { return ops::log_softmax(in[0]); }));
  rows.back().finite_differences = false;
  rows.push_back(row("sparse_crossentropy_large_logits", {large, labels},
                     [](const Values& in) { return ops::sparse_categorical_crossentropy(in[1], in[0], true); }));
  rows.back().finite_differences = false;
  rows.push_back(
      row("sparse_crossentropy_certain",
          {{{4, 3}, kFloat, 0, 0, {1, 0, 0, 0, 1, 0, 0.5, 0.5, 0, 2, 0, 2}}, {{4}, DType::int32, 0, 0, {0, 0, 0, 2}}},
          [](const Values& in) { return ops::sparse_categorical_crossentropy(in[1], in[0]); }));
  rows.back().finite_differences = false;
  for (bool from_logits : {false, true}) {
    const std::string suffix = from_logits ? "_logits" : "";
    const Operand scores{{4, 3}, kFloat, 0.1, 1}, outside{{4}, DType::int32, 0, 0, {1, 3, -1, 2}};
    rows.push_back(row("sparse_crossentropy_label_outside" + suffix, {scores, outside}, [=](const Values& in) {
      return ops::sparse_categorical_crossentropy(in[1], in[0], from_logits);
    }));
    rows.back().finite_differences = false;
  }
  for (DType dtype : {DType::int64, DType::uint8, DType::float32}) {
    rows.push_back(row("sparse_crossentropy_labels_" + std::string(name_of(dtype)),
                       {{{4, 6}, kFloat, 0.1, 1}, {{4, 1}, dtype, 0, 0, {5, 0, 3, 3}, false}},
                       [](const Values& in) { return ops::sparse_categorical_crossentropy(in[1], in[0]); }));
  }
  rows.push_back(row("binary_crossentropy", {{{5, 3}, kFloat, 0, 1, {}, false}, {{5, 3}, kFloat, 0.05, 0.95}},
                     [](const Values& in) { return ops::binary_crossentropy(in[0], in[1]); }));
  rows.push_back(row("binary_crossentropy_logits", {{{5, 3}, kFloat, 0, 1, {}, false}, {{5, 3}, kFloat, -6, 6}},
                     [](const Values& in) { return ops::binary_crossentropy(in[0], in[1], true); }));
  rows.push_back(row("binary_crossentropy_certain",
                     {{{4}, kFloat, 0, 0, {1, 1, 0, 0}, false}, {{4}, kFloat, 0, 0, {1, 0, 1, 0}}},
                     [](const Values& in) { return ops::binary_crossentropy(in[0], in[1]); }));
  rows.back().finite_differences = false;
  // ln(1 - p) next to p = 1, where float32 has 1 - 1e-7 only as 1 - 1.19e-7.
  rows.back().tolerance = 0.02;
  rows.push_back(
      row("one_hot", {{{2, 3}, DType::int32, -1, 5}}, [](const Values& in) { return ops::one_hot(in[0], 4); }));
  return rows;
}

}  // namespace keratin::testing
