#include "keratin/core/ops/filters.h"

#include <cmath>

#include "keratin/core/ops/conv.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/detail/pick.h"
#include "keratin/core/ops/nn.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::ops::image {
namespace {

using namespace op_support;

void expect_images(std::string_view op, const Value& images) {
  if (images.rank() == 4 && images.shape().is_known()) return;
  throw InvalidArgument(std::string(op) + ": images must have four axes (n, h, w, c) of known sizes, got shape " +
                        images.shape().to_string());
}

// Each channel with the same filter (h, w), zeros outside.
Value filtered(const Value& x, const Tensor& filter) {
  const std::int64_t h = filter.shape()[0], w = filter.shape()[1], channels = x.shape()[3];
  const Value kernel = broadcast_to(filter.astype(x.dtype()).reshape({h, w, 1, 1}), {h, w, channels, 1});
  return depthwise_conv2d(x, kernel,
                          {.padding = resolve_padding("same", {x.shape()[1], x.shape()[2]}, {h, w}, {1, 1})});
}

}  // namespace

Value extract_patches(Value images, std::array<std::int64_t, 2> size, const PatchOptions& options) {
  expect_images("extract_patches", images);
  std::array<std::int64_t, 2> strides = options.strides;
  for (std::size_t i = 0; i < 2; ++i) {
    if (strides[i] == 0) strides[i] = size[i];
    if (size[i] >= 1 && strides[i] >= 1 && options.dilation_rate[i] >= 1) continue;
    throw InvalidArgument("extract_patches: size, strides and dilation_rate must be positive");
  }
  const Padding2D padding =
      resolve_padding(options.padding, {images.shape()[1], images.shape()[2]}, size, strides, options.dilation_rate);
  Value x = pad(images, {0, padding.before[0], padding.before[1], 0}, {0, padding.after[0], padding.after[1], 0});
  std::array<std::int64_t, 2> counts = {};
  for (int axis = 0; axis < 2; ++axis) {
    const auto i = static_cast<std::size_t>(axis);
    const std::int64_t reach = (size[i] - 1) * options.dilation_rate[i] + 1, whole = x.shape()[axis + 1];
    if (reach > whole) {
      throw InvalidArgument("extract_patches: a patch of " + std::to_string(reach) + " pixels does not fit into " +
                            std::to_string(whole));
    }
    counts[i] = (whole - reach) / strides[i] + 1;
    std::vector<std::int32_t> positions;
    for (std::int64_t k = 0; k < counts[i] * size[i]; ++k) {
      positions.push_back(static_cast<std::int32_t>(k / size[i] * strides[i] + k % size[i] * options.dilation_rate[i]));
    }
    x = pick("extract_patches", x, axis + 1, positions);
  }
  const std::int64_t n = x.shape()[0], c = x.shape()[3];
  x = transpose(reshape(x, {n, counts[0], size[0], counts[1], size[1], c}), {0, 1, 3, 2, 4, 5});
  return reshape(x, {n, counts[0], counts[1], size[0] * size[1] * c});
}

Value sobel_edges(Value images) {
  expect_images("sobel_edges", images);
  const Value x = to_floating(images);
  const Tensor down({3, 3}, {-1.0, -2.0, -1.0, 0.0, 0.0, 0.0, 1.0, 2.0, 1.0});
  const Tensor right({3, 3}, {-1.0, 0.0, 1.0, -2.0, 0.0, 2.0, -1.0, 0.0, 1.0});
  return stack({filtered(x, down), filtered(x, right)}, -1);
}

Value gaussian_blur(Value images, std::array<std::int64_t, 2> kernel_size, std::array<double, 2> sigma) {
  expect_images("gaussian_blur", images);
  if (kernel_size[0] < 1 || kernel_size[1] < 1 || !(sigma[0] > 0) || !(sigma[1] > 0)) {
    throw InvalidArgument("gaussian_blur: kernel_size and sigma must be positive");
  }
  const auto bell = [](double i, std::int64_t size, double width) {
    const double at = (i - static_cast<double>(size - 1) / 2) / width;
    return std::exp(-0.5 * at * at);
  };
  Tensor filter({kernel_size[1], kernel_size[0]}, DType::float64);
  double sum = 0;
  for (std::int64_t i = 0; i < filter.size(); ++i) {
    double& share = filter.values<double>()[static_cast<std::size_t>(i)];
    share = bell(static_cast<double>(i / kernel_size[0]), kernel_size[1], sigma[1]) *
            bell(static_cast<double>(i % kernel_size[0]), kernel_size[0], sigma[0]);
    sum += share;
  }
  for (double& share : filter.values<double>()) share /= sum;
  return filtered(to_floating(images), filter);
}

}  // namespace keratin::ops::image
