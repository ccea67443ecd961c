#include "keratin/core/ops/shaping.h"

#include <algorithm>
#include <numeric>

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

using namespace op_support;
using Dy = std::span<const Value>;
using Sizes = std::vector<std::int64_t>;

std::string describe_reshape(const std::any& attrs) { return as<ReshapeAttrs>(attrs).shape.to_string(); }

std::vector<Spec> infer_reshape(const std::any& attrs, std::span<const Spec> inputs) {
  expect_inputs(inputs, 1);
  Shape shape = as<ReshapeAttrs>(attrs).shape;
  const std::int64_t size = inputs[0].shape.size();
  std::int64_t rest = 1;
  int unknown = -1;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] != kUnknown) {
      if (shape[axis] < 0) throw InvalidArgument("the new shape has the negative size " + std::to_string(shape[axis]));
      rest *= shape[axis];
      continue;
    }
    if (unknown >= 0) throw InvalidArgument("only one size of the new shape " + shape.to_string() + " may be -1");
    unknown = axis;
  }
  if (unknown >= 0 && rest > 0 && size % rest == 0) {
    shape[unknown] = size / rest;
    rest = size;
  }
  if (rest != size || !shape.is_known()) {
    throw InvalidArgument("shape " + inputs[0].shape.to_string() + " cannot become " + shape.to_string() +
                          ": the numbers of elements differ");
  }
  return {{shape, inputs[0].dtype}};
}

std::string describe_transpose(const std::any& attrs) { return text_of(as<TransposeAttrs>(attrs).permutation); }

std::vector<Spec> infer_transpose(const std::any& attrs, std::span<const Spec> inputs) {
  expect_inputs(inputs, 1);
  const auto& permutation = as<TransposeAttrs>(attrs).permutation;
  const Shape& shape = inputs[0].shape;
  std::vector<int> sorted = permutation, all(static_cast<std::size_t>(shape.rank()));
  std::sort(sorted.begin(), sorted.end());
  std::iota(all.begin(), all.end(), 0);
  if (sorted != all) {
    throw InvalidArgument(text_of(permutation) + " is no permutation of the axes of shape " + shape.to_string());
  }
  Shape result;
  for (int axis : permutation) result.push_back(shape[axis]);
  return {{result, inputs[0].dtype}};
}

// y[p] = x  =>  dx = dy under the inverse permutation
Values transpose_gradient(const Node& node, Dy dy) {
  const auto& permutation = node.attrs_as<TransposeAttrs>().permutation;
  std::vector<int> inverse(permutation.size());
  for (std::size_t i = 0; i < permutation.size(); ++i)
    inverse[static_cast<std::size_t>(permutation[i])] = static_cast<int>(i);
  return {ops::transpose(dy[0], inverse)};
}

std::string describe_broadcast_to(const std::any& attrs) { return as<BroadcastToAttrs>(attrs).shape.to_string(); }

std::vector<Spec> infer_broadcast_to(const std::any& attrs, std::span<const Spec> inputs) {
  expect_inputs(inputs, 1);
  const Shape& shape = as<BroadcastToAttrs>(attrs).shape;
  expect_known(shape, "the new shape");
  if (broadcast(inputs[0].shape, shape) != shape) {
    throw InvalidArgument("shape " + inputs[0].shape.to_string() + " does not broadcast to " + shape.to_string());
  }
  return {{shape, inputs[0].dtype}};
}

std::string describe_concatenate(const std::any& attrs) { return std::to_string(as<ConcatenateAttrs>(attrs).axis); }

std::vector<Spec> infer_concatenate(const std::any& attrs, std::span<const Spec> inputs) {
  if (inputs.empty()) throw InvalidArgument("there is nothing to concatenate");
  Shape shape = inputs[0].shape;
  const int axis = shape.normalize_axis(as<ConcatenateAttrs>(attrs).axis);
  std::int64_t total = 0;
  for (const Spec& input : inputs) {
    expect_same_dtype(inputs[0], input);
    Shape others = input.shape;
    if (others.rank() == shape.rank()) others[axis] = shape[axis];
    if (others != shape) {
      throw InvalidArgument("shapes " + shape.to_string() + " and " + input.shape.to_string() +
                            " must agree on all axes but " + std::to_string(axis));
    }
    total += input.shape[axis];
  }
  shape[axis] = total;
  return {{shape, inputs[0].dtype}};
}

// y = [x_1, x_2, ...]  =>  dx_i = the piece of dy where x_i lies
Values concatenate_gradient(const Node& node, Dy dy) {
  const int axis = node.attrs_as<ConcatenateAttrs>().axis;
  Sizes begin(static_cast<std::size_t>(dy[0].rank()), 0);
  Values result;
  for (const Value& input : node.inputs()) {
    result.push_back(ops::slice(dy[0], begin, input.shape().dims()));
    begin[static_cast<std::size_t>(axis)] += input.shape()[axis];
  }
  return result;
}

std::string describe_slice(const std::any& attrs) {
  const auto& a = as<SliceAttrs>(attrs);
  return "begin " + text_of(a.begin) + ", size " + text_of(a.size);
}

void expect_one_per_axis(const Sizes& numbers, const Shape& shape, std::string_view what) {
  if (static_cast<int>(numbers.size()) == shape.rank()) return;
  throw InvalidArgument(std::string(what) + " " + text_of(numbers) + " must have one number for each axis of shape " +
                        shape.to_string());
}

std::vector<Spec> infer_slice(const std::any& attrs, std::span<const Spec> inputs) {
  expect_inputs(inputs, 1);
  const auto& a = as<SliceAttrs>(attrs);
  Shape shape = inputs[0].shape;
  expect_one_per_axis(a.begin, shape, "begin");
  expect_one_per_axis(a.size, shape, "size");
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const std::int64_t begin = a.begin[static_cast<std::size_t>(axis)], whole = shape[axis];
    const std::int64_t size = a.size[static_cast<std::size_t>(axis)];
    if (begin < 0 || begin > whole || size < -1 || size > whole - begin) {
      throw InvalidArgument("begin " + text_of(a.begin) + " and size " + text_of(a.size) + " reach outside shape " +
                            inputs[0].shape.to_string());
    }
    shape[axis] = size == -1 ? whole - begin : size;
  }
  return {{shape, inputs[0].dtype}};
}

// y = a piece of x  =>  dx = dy at that place, 0 around it
Values slice_gradient(const Node& node, Dy dy) {
  const auto& begin = node.attrs_as<SliceAttrs>().begin;
  Sizes after;
  for (int axis = 0; axis < dy[0].rank(); ++axis)
    after.push_back(node.input(0).shape()[axis] - begin[static_cast<std::size_t>(axis)] - dy[0].shape()[axis]);
  return {ops::pad(dy[0], begin, after)};
}

std::string describe_pad(const std::any& attrs) {
  const auto& a = as<PadAttrs>(attrs);
  return "before " + text_of(a.before) + ", after " + text_of(a.after) + ", value " + format_number(a.value);
}

std::vector<Spec> infer_pad(const std::any& attrs, std::span<const Spec> inputs) {
  expect_inputs(inputs, 1);
  const auto& a = as<PadAttrs>(attrs);
  Shape shape = inputs[0].shape;
  expect_one_per_axis(a.before, shape, "before");
  expect_one_per_axis(a.after, shape, "after");
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const std::int64_t before = a.before[static_cast<std::size_t>(axis)],
                       after = a.after[static_cast<std::size_t>(axis)];
    if (before < 0 || after < 0) {
      throw InvalidArgument("the padding must not be negative, got before " + text_of(a.before) + ", after " +
                            text_of(a.after));
    }
    shape[axis] += before + after;
  }
  return {{shape, inputs[0].dtype}};
}

std::string describe_iota(const std::any& attrs) {
  const auto& a = as<IotaAttrs>(attrs);
  return Spec{a.shape, a.dtype}.to_string() + ", axis " + std::to_string(a.axis);
}

std::vector<Spec> infer_iota(const std::any& attrs, std::span<const Spec> inputs) {
  expect_inputs(inputs, 0);
  const auto& a = as<IotaAttrs>(attrs);
  expect_known(a.shape, "the shape");
  a.shape.normalize_axis(a.axis);
  const Spec result{a.shape, a.dtype};
  expect_number(result, "the result");
  return {result};
}

}  // namespace

constinit const OpDef kReshape = {
    .name = "reshape",
    .describe = describe_reshape,
    .infer = infer_reshape,
    // y = x in another shape  =>  dx = dy in x's shape
    .gradient = [](const Node& node, Dy dy) { return Values{ops::reshape(dy[0], node.input(0).shape())}; }};
constinit const OpDef kTranspose = {
    .name = "transpose", .describe = describe_transpose, .infer = infer_transpose, .gradient = transpose_gradient};
constinit const OpDef kBroadcastTo = {
    .name = "broadcast_to",
    .describe = describe_broadcast_to,
    .infer = infer_broadcast_to,
    // y = copies of x  =>  dx = the sum over the copies
    .gradient = [](const Node& node, Dy dy) { return Values{ops::sum_to(dy[0], node.input(0).shape())}; }};
constinit const OpDef kConcatenate = {.name = "concatenate",
                                      .describe = describe_concatenate,
                                      .infer = infer_concatenate,
                                      .gradient = concatenate_gradient};
constinit const OpDef kSlice = {
    .name = "slice", .describe = describe_slice, .infer = infer_slice, .gradient = slice_gradient};
constinit const OpDef kPad = {
    .name = "pad",
    .describe = describe_pad,
    .infer = infer_pad,
    // y = x with a frame  =>  dx = dy within the frame
    .gradient = [](const Node& node, Dy dy) {
      return Values{ops::slice(dy[0], node.attrs_as<PadAttrs>().before, node.input(0).shape().dims())};
    }};
constinit const OpDef kIota = {.name = "iota", .describe = describe_iota, .infer = infer_iota};

}  // namespace keratin
