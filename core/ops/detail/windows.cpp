#include "keratin/core/ops/detail/windows.h"

#include <algorithm>
#include <tuple>

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

using Pair = std::array<std::int64_t, 2>;

void expect_at_least(std::int64_t least, const Pair& numbers, std::string_view what) {
  if (numbers[0] >= least && numbers[1] >= least) return;
  throw InvalidArgument(std::string(what) + " must be at least " + std::to_string(least) + ", got " +
                        op_support::text_of(numbers));
}

std::string by(const Pair& size) { return std::to_string(size[0]) + "x" + std::to_string(size[1]); }

}  // namespace

std::array<std::int64_t, 2> op_support::windowed_size(Pair size, Pair window, Pair strides, const Padding2D& padding,
                                                      Pair dilation) {
  expect_at_least(1, window, "the window");
  expect_at_least(1, strides, "strides");
  expect_at_least(1, dilation, "dilation");
  expect_at_least(0, padding.before, "padding");
  expect_at_least(0, padding.after, "padding");
  Pair result{}, padded{}, reach{};
  for (std::size_t i = 0; i < 2; ++i) {
    padded[i] = size[i] + padding.before[i] + padding.after[i];
    reach[i] = (window[i] - 1) * dilation[i] + 1;
    result[i] = padded[i] < reach[i] ? 0 : (padded[i] - reach[i]) / strides[i] + 1;
  }
  if (result[0] < 1 || result[1] < 1) {
    throw InvalidArgument("the " + by(reach) + (reach == window ? " window" : " dilated window") + " does not fit " +
                          by(size) + " input" + (padded == size ? "" : ", which padding makes " + by(padded)));
  }
  return result;
}

std::pair<std::int64_t, std::int64_t> same_padding(std::int64_t size, std::int64_t window, std::int64_t stride,
                                                   std::int64_t dilation) {
  if (stride < 1) throw InvalidArgument("strides must be at least 1, got " + std::to_string(stride));
  const std::int64_t reach = (window - 1) * dilation + 1;
  // With stride 1 every size needs the same padding.
  if (size < 0 && stride != 1) throw InvalidArgument("padding 'same' with strides needs known image sizes");
  size = std::max<std::int64_t>(size, 1);
  const std::int64_t last = (size + stride - 1) / stride * stride - stride;  // where the last window begins
  const std::int64_t total = std::max<std::int64_t>(last + reach - size, 0);
  return {total / 2, total - total / 2};
}

Padding2D resolve_padding(const std::string& padding, Pair size, Pair window, Pair strides, Pair dilation) {
  if (padding != "valid" && padding != "same") {
    throw InvalidArgument("padding must be 'valid' or 'same', got '" + padding + "'" +
                          did_you_mean(padding, {"valid", "same"}));
  }
  Padding2D result;
  for (std::size_t i = 0; padding == "same" && i < 2; ++i) {
    std::tie(result.before[i], result.after[i]) = same_padding(size[i], window[i], strides[i], dilation[i]);
  }
  return result;
}

}  // namespace keratin
