#include "keratin/layers/detail/layer_support.h"

#include <algorithm>

#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::detail {
namespace {

// Sizes for a Reshape that would give `shape` the wanted rank, as far as one is obvious.
std::string way_out(const Shape& shape, int rank) {
  if (rank == 4 && shape.rank() == 3 && shape[1] > 0 && shape[2] > 0) {
    return " Put a Reshape({" + std::to_string(shape[1]) + ", " + std::to_string(shape[2]) + ", 1}) before it.";
  }
  if (rank == 4 && shape.rank() == 2 && shape[1] > 0) {
    std::int64_t side = 1;
    while (side * side < shape[1]) ++side;
    const std::string text = std::to_string(side);
    if (side * side == shape[1]) return " Put a Reshape({" + text + ", " + text + ", 1}) before it.";
  }
  if (rank == 3 && shape.rank() == 2 && shape[1] > 0) {
    return " Put a Reshape({" + std::to_string(shape[1]) + ", 1}) before it.";
  }
  if (rank == 2 && shape.rank() > 2) return " Put a Flatten() before it.";
  return "";
}

}  // namespace

std::string text_of_sizes(const Sizes& sizes) {
  if (sizes.size() == 1) return std::to_string(sizes[0]);
  std::string result = "{";
  for (std::int64_t size : sizes) result += (result.size() > 1 ? ", " : "") + std::to_string(size);
  return result + "}";
}

void require_positive(std::string_view layer, std::string_view option, std::int64_t value) {
  if (value > 0) return;
  throw InvalidArgument(std::string(layer) + ": " + std::string(option) + " must be positive, got " +
                        std::to_string(value));
}

void require_positive(std::string_view layer, std::string_view option, const Sizes& values) {
  if (std::all_of(values.begin(), values.end(), [](std::int64_t value) { return value > 0; })) return;
  throw InvalidArgument(std::string(layer) + ": " + std::string(option) + " must be positive, got " +
                        text_of_sizes(values));
}

void require_rate(std::string_view layer, std::string_view option, double rate) {
  if (rate >= 0 && rate <= 1) return;
  throw InvalidArgument(std::string(layer) + ": " + std::string(option) + " must lie between 0 and 1, got " +
                        format_number(rate));
}

void require_epsilon(std::string_view layer, double epsilon) {
  if (epsilon > 0) return;
  throw InvalidArgument(std::string(layer) + ": epsilon must be positive, got " + format_number(epsilon));
}

void require_rate_below_one(std::string_view layer, double rate) {
  if (rate >= 0 && rate < 1) return;
  throw InvalidArgument(std::string(layer) + ": rate must be at least 0 and below 1, got " + format_number(rate));
}

void require_padding_word(std::string_view layer, const std::string& padding, bool causal) {
  std::vector<std::string> words = {"valid", "same"};
  if (causal) words.push_back("causal");
  if (std::find(words.begin(), words.end(), padding) != words.end()) return;
  throw InvalidArgument(std::string(layer) + ": padding must be " +
                        (causal ? "'valid', 'same' or 'causal'" : "'valid' or 'same'") + ", got '" + padding + "'" +
                        did_you_mean(padding, words));
}

void require_rank(const Shape& input, int rank, std::string_view axes) {
  if (input.rank() == rank) return;
  throw InvalidArgument("expected an input of rank " + std::to_string(rank) + " " + std::string(axes) + ", got " +
                        input.to_string() + "." + way_out(input, rank));
}

void require_spatial_axes(const Shape& input, std::size_t axes) {
  static constexpr const char* kAxes[] = {"(n, steps, c)", "(n, h, w, c)", "(n, d, h, w, c)"};
  require_rank(input, static_cast<int>(axes) + 2, kAxes[axes - 1]);
}

void require_rank_from(const Shape& input, int rank, std::string_view axes) {
  if (input.rank() >= rank) return;
  throw InvalidArgument("expected an input of rank " + std::to_string(rank) + " or more " + std::string(axes) +
                        ", got " + input.to_string() + "; the first axis is the batch");
}

void require_size(const Shape& input, int axis, std::string_view axis_name, std::int64_t expected) {
  const std::int64_t size = input[axis];
  if (size == kUnknown) {
    throw InvalidArgument("the number of " + std::string(axis_name) + " must be known, got an input of shape " +
                          input.to_string() + "; give the Input its size");
  }
  if (expected == kUnknown || size == expected) return;
  throw InvalidArgument("its weights were made for " + std::to_string(expected) + " " + std::string(axis_name) +
                        ", got " + std::to_string(size) + " in an input of shape " + input.to_string());
}

std::vector<int> resolve_axes(const Axes& axes, const Shape& input) {
  std::vector<int> result;
  for (int axis : axes.list()) {
    const int from_start = axis < 0 ? axis + input.rank() : axis;
    if (from_start < 0 || from_start >= input.rank()) {
      throw InvalidArgument("axis " + std::to_string(axis) + " is out of range for an input of shape " +
                            input.to_string());
    }
    result.push_back(from_start);
  }
  std::sort(result.begin(), result.end());
  if (result.empty()) throw InvalidArgument("axis must name at least one axis");
  if (std::adjacent_find(result.begin(), result.end()) != result.end()) {
    throw InvalidArgument("axis names the same axis twice for an input of shape " + input.to_string());
  }
  return result;
}

Value along_axes(const Value& weight, const std::vector<int>& axes, int rank) {
  Shape shape;
  int next = 0;
  for (int axis = axes.front(); axis < rank; ++axis) {
    const bool mine = std::binary_search(axes.begin(), axes.end(), axis);
    shape.push_back(mine ? weight.shape()[next++] : 1);
  }
  return ops::reshape(weight, shape);
}

Shape fill_noise_shape(const Shape& noise_shape, const Shape& input) {
  Shape mask = noise_shape;
  bool fits = mask.rank() == input.rank();
  for (int i = 0; fits && i < mask.rank(); ++i) {
    if (mask[i] == kUnknown) mask[i] = input[i];
    fits = mask[i] == 1 || mask[i] == input[i] || input[i] == kUnknown;
  }
  if (fits) return mask;
  throw InvalidArgument("noise_shape " + noise_shape.to_string() + " does not fit an input of shape " +
                        input.to_string() + ": each size must be 1, the input's or -1");
}

void add_activity_loss(const Regularizer& regularizer, const Value& output, CallContext& context) {
  if (!regularizer) return;
  const Value penalty = regularizer(output);
  const bool rows = output.rank() > 0 && output.shape()[0] > 0;
  context.add_loss(rows ? penalty / static_cast<double>(output.shape()[0]) : penalty);
}

Config of_module(std::string module, const Config& config) {
  Config result(std::move(module), config.class_name());
  for (const auto& [key, value] : config.entries()) result.set(key, value);
  return result;
}

ConfigValue seed_config(const std::optional<std::uint64_t>& seed) {
  return seed ? ConfigValue(static_cast<std::int64_t>(*seed)) : ConfigValue();
}

}  // namespace keratin::detail
