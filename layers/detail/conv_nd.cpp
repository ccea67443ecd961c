#include "keratin/layers/detail/conv_nd.h"

#include <algorithm>

#include "keratin/core/ops/conv.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::detail {
namespace {

// The numbers of the last two of up to three axes; `missing` for an axis that is not there.
std::array<std::int64_t, 2> pair_of(const Sizes& sizes, std::int64_t missing) {
  return {sizes.size() > 1 ? sizes[sizes.size() - 2] : missing, sizes.back()};
}

Conv2DAttrs attrs_of(const Windows& windows, const Ends& padding, std::int64_t groups) {
  Conv2DAttrs attrs;
  attrs.strides = pair_of(windows.strides, 1);
  attrs.dilation = pair_of(windows.dilation, 1);
  attrs.padding = {pair_of(padding.before, 0), pair_of(padding.after, 0)};
  attrs.groups = groups;
  return attrs;
}

// (n, steps, c) and (window, c, f) as images, and kernels for them, of one row.
Value as_images(const Value& x) { return x.rank() == 3 ? ops::expand_dims(x, 1) : x; }
Value as_image_kernel(const Value& kernel) { return kernel.rank() == 3 ? ops::expand_dims(kernel, 0) : kernel; }

// All the slices that a window meets along the first spatial axis become channels, which one 2-D convolution adds up:
// the planes become images, (n, d, h, w, c) -> (n·od, h, w, window·c).
Value conv_3d(const Value& volumes, const Value& kernel, const Windows& windows, const Ends& padding,
              std::int64_t groups) {
  const std::int64_t window = windows.window[0], stride = windows.strides[0], dilation = windows.dilation[0];
  const Value x = ops::pad(volumes, {0, padding.before[0], 0, 0, 0}, {0, padding.after[0], 0, 0, 0});
  const Shape in = x.shape(), k = kernel.shape();
  const std::int64_t n = in[0], h = in[2], w = in[3], c = in[4];
  const std::int64_t depth = (in[1] - (window - 1) * dilation - 1) / stride + 1;
  Values slices;
  for (std::int64_t i = 0; i < window; ++i) {
    const Value slice = strided_slice(x, 1, i * dilation, stride, depth);
    slices.push_back(ops::reshape(slice, {n, depth, h, w, groups, c / groups}));
  }
  const Value images = ops::reshape(ops::stack(std::move(slices), 5), {n * depth, h, w, window * c});
  const Value flat = ops::reshape(ops::transpose(kernel, {1, 2, 0, 3, 4}), {k[1], k[2], window * k[3], k[4]});
  const Value y = ops::conv2d(images, flat, attrs_of(windows, padding, groups));
  return ops::reshape(y, Shape{n, depth}.concat(y.shape().slice(1, 4)));
}

// The planes become images, which one 2-D convolution turns into those that each slice of the window adds to the
// output: (n, d, h, w, c) -> (n·d, oh, ow, window·f). These are moved to their places and added up.
Value conv_transpose_3d(const Value& x, const Value& kernel, const Windows& windows, const Ends& padding,
                        const Sizes& size) {
  const std::int64_t window = windows.window[0], stride = windows.strides[0], dilation = windows.dilation[0];
  const Shape in = x.shape(), k = kernel.shape();
  const std::int64_t n = in[0], depth = in[1], f = k[3], h = size[1], w = size[2];
  const Value images = ops::reshape(x, {n * depth, in[2], in[3], in[4]});
  const Value flat = ops::reshape(ops::transpose(kernel, {1, 2, 0, 3, 4}), {k[1], k[2], window * f, k[4]});
  const Value planes = ops::conv2d_transpose(images, flat, pair_of(size, 1), attrs_of(windows, padding, 1));
  const Value slices = ops::reshape(planes, {n, depth, 1, h, w, window, f});
  Value sum;
  for (std::int64_t i = 0; i < window; ++i) {
    Value slice = ops::slice(slices, {0, 0, 0, 0, 0, i, 0}, {-1, -1, -1, -1, -1, 1, -1});
    slice = ops::reshape(slice, {n, depth, 1, h, w, f});
    slice =
        ops::reshape(ops::pad(slice, {0, 0, 0, 0, 0, 0}, {0, 0, stride - 1, 0, 0, 0}), {n, depth * stride, h, w, f});
    const std::int64_t before = i * dilation, after = (window - 1) * dilation - before;
    slice = ops::pad(slice, {0, before, 0, 0, 0}, {0, after, 0, 0, 0});
    sum = sum ? sum + slice : slice;
  }
  return ops::slice(sum, {0, padding.before[0], 0, 0, 0}, {-1, size[0], -1, -1, -1});
}

}  // namespace

Ends resolve_ends(const std::string& padding, const Sizes& size, const Windows& windows) {
  Ends ends;
  for (std::size_t i = 0; i < size.size(); ++i) {
    const std::int64_t reach = (windows.window[i] - 1) * windows.dilation[i] + 1;
    std::pair<std::int64_t, std::int64_t> pads = {0, 0};
    if (padding == "same") pads = same_padding(size[i], windows.window[i], windows.strides[i], windows.dilation[i]);
    if (padding == "causal") pads = {reach - 1, 0};
    ends.before.push_back(pads.first);
    ends.after.push_back(pads.second);
  }
  return ends;
}

void require_fit(const std::string& padding, const Shape& input, const Windows& windows) {
  const std::size_t axes = windows.window.size();
  // Other paddings make room for a window. For images the op says it, with both axes.
  if (padding != "valid" || axes == 2) return;
  for (std::size_t i = 0; i < axes; ++i) {
    const std::int64_t size = input[static_cast<int>(i) + 1];
    const std::int64_t reach = (windows.window[i] - 1) * windows.dilation[i] + 1;
    if (size == kUnknown || size >= reach) continue;
    throw InvalidArgument("the " + std::string(reach > windows.window[i] ? "dilated " : "") + "window of " +
                          text_of_sizes(windows.window) + " does not fit an input of shape " + input.to_string() +
                          "; use a smaller one, or padding 'same'");
  }
}

Value conv_nd(const Value& x, const Value& kernel, const Windows& windows, const Ends& padding, std::int64_t groups) {
  if (windows.window.size() == 3) return conv_3d(x, kernel, windows, padding, groups);
  const Value y = ops::conv2d(as_images(x), as_image_kernel(kernel), attrs_of(windows, padding, groups));
  return x.rank() == 3 ? ops::squeeze(y, 1) : y;
}

Value conv_transpose_nd(const Value& x, const Value& kernel, const Windows& windows, const Ends& padding,
                        const Sizes& size) {
  if (windows.window.size() == 3) return conv_transpose_3d(x, kernel, windows, padding, size);
  const Value y =
      ops::conv2d_transpose(as_images(x), as_image_kernel(kernel), pair_of(size, 1), attrs_of(windows, padding, 1));
  return x.rank() == 3 ? ops::squeeze(y, 1) : y;
}

Value strided_slice(const Value& x, int axis, std::int64_t start, std::int64_t stride, std::int64_t count) {
  const auto at = static_cast<std::size_t>(axis);
  std::vector<std::int64_t> begin(static_cast<std::size_t>(x.rank()), 0), size(begin.size(), -1);
  begin[at] = start;
  size[at] = count;
  if (stride == 1) return ops::slice(x, begin, size);
  // Rows of `stride` elements, of which the first one counts; the last row may need filling up.
  std::vector<std::int64_t> none(begin.size(), 0), after = none;
  after[at] = std::max<std::int64_t>(start + count * stride - x.shape()[axis], 0);
  size[at] = count * stride;
  const Value part = ops::slice(ops::pad(x, none, after), begin, size);
  const Shape before_axis = part.shape().slice(0, axis), after_axis = part.shape().slice(axis + 1, x.rank());
  const Value rows = ops::reshape(part, before_axis.concat({count, stride}).concat(after_axis));
  begin.assign(begin.size() + 1, 0);
  size.assign(begin.size(), -1);
  size[at + 1] = 1;
  return ops::reshape(ops::slice(rows, begin, size), before_axis.concat({count}).concat(after_axis));
}

}  // namespace keratin::detail
