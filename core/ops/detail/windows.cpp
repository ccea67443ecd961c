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

// Whether `count` windows fit on an axis, exactly.
bool reaches(std::int64_t size, std::int64_t window, std::int64_t stride, std::int64_t dilation, std::int64_t before,
             std::int64_t after, std::int64_t count) {
  if (before < 0 || after < 0 || stride < 1 || dilation < 1 || window < 1) return false;
  const std::int64_t room = size + before + after - (window - 1) * dilation - 1;
  return room >= 0 && count == room / stride + 1;
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

std::optional<WindowShape> op_support::window_shape(const Conv2DAttrs& attrs, const Shape& x, const Shape& kernel,
                                                    const Shape& y) {
  if (x.rank() != 4 || kernel.rank() != 4 || y.rank() != 4 || attrs.groups < 1) return std::nullopt;
  const WindowShape s{.n = x[0],
                      .h = x[1],
                      .w = x[2],
                      .c = x[3],
                      .kh = kernel[0],
                      .kw = kernel[1],
                      .oh = y[1],
                      .ow = y[2],
                      .f = kernel[3],
                      .stride_h = attrs.strides[0],
                      .stride_w = attrs.strides[1],
                      .pad_top = attrs.padding.before[0],
                      .pad_left = attrs.padding.before[1],
                      .dilation_h = attrs.dilation[0],
                      .dilation_w = attrs.dilation[1],
                      .groups = attrs.groups};
  const auto& [before, after] = attrs.padding;
  const bool fits = kernel[2] * s.groups == s.c && s.f % s.groups == 0 && y[0] == s.n && y[3] == s.f &&
                    reaches(s.h, s.kh, s.stride_h, s.dilation_h, before[0], after[0], s.oh) &&
                    reaches(s.w, s.kw, s.stride_w, s.dilation_w, before[1], after[1], s.ow);
  return fits ? std::optional(s) : std::nullopt;
}

std::optional<WindowShape> op_support::window_shape(const Pool2DAttrs& attrs, const Shape& x, const Shape& y) {
  if (x.rank() != 4 || y.rank() != 4) return std::nullopt;
  const WindowShape s{.n = x[0],
                      .h = x[1],
                      .w = x[2],
                      .c = x[3],
                      .kh = attrs.window[0],
                      .kw = attrs.window[1],
                      .oh = y[1],
                      .ow = y[2],
                      .f = x[3],
                      .stride_h = attrs.strides[0],
                      .stride_w = attrs.strides[1],
                      .pad_top = attrs.padding.before[0],
                      .pad_left = attrs.padding.before[1],
                      .groups = x[3]};
  const auto& [before, after] = attrs.padding;
  for (std::size_t i = 0; i < 2; ++i) {
    // A window of nothing but padding would have no maximum.
    if (before[i] >= attrs.window[i] || after[i] >= attrs.window[i]) return std::nullopt;
  }
  const bool fits = y[0] == s.n && y[3] == s.c && reaches(s.h, s.kh, s.stride_h, 1, before[0], after[0], s.oh) &&
                    reaches(s.w, s.kw, s.stride_w, 1, before[1], after[1], s.ow);
  return fits ? std::optional(s) : std::nullopt;
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
