#include "keratin/core/ops/filters.h"

#include <cmath>
#include <tuple>

#include "keratin/core/ops/conv.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/detail/pick.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/nn.h"
#include "keratin/core/ops/reduce.h"
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

// Each channel with the same filter (h, w).
Value filtered(const Value& x, const Tensor& filter, const std::string& padding = "same") {
  const std::int64_t h = filter.shape()[0], w = filter.shape()[1], channels = x.shape()[3];
  const Value kernel = broadcast_to(filter.astype(x.dtype()).reshape({h, w, 1, 1}), {h, w, channels, 1});
  return depthwise_conv2d(x, kernel,
                          {.padding = resolve_padding(padding, {x.shape()[1], x.shape()[2]}, {h, w}, {1, 1})});
}

// (height, width) shares that sum up to 1.
Tensor bell(std::int64_t height, std::int64_t width, double sigma_y, double sigma_x) {
  const auto share = [](std::int64_t i, std::int64_t size, double sigma) {
    const double at = (static_cast<double>(i) - static_cast<double>(size - 1) / 2) / sigma;
    return std::exp(-0.5 * at * at);
  };
  Tensor result({height, width}, DType::float64);
  double sum = 0;
  for (std::int64_t i = 0; i < result.size(); ++i) {
    double& value = result.values<double>()[static_cast<std::size_t>(i)];
    value = share(i / width, height, sigma_y) * share(i % width, width, sigma_x);
    sum += value;
  }
  for (double& value : result.values<double>()) value /= sum;
  return result;
}

// x (n, spatial..., c), the other arguments for each spatial axis -> (n, counts..., sizes · c).
Value patches(std::string_view op, Value x, std::span<const std::int64_t> size, std::span<const std::int64_t> strides,
              std::span<const std::int64_t> dilation, const std::string& padding) {
  const std::size_t axes = size.size();
  const int spatial = static_cast<int>(axes);
  expect_known_sizes(op, x);
  expect_rank(x.spec(), spatial + 2, std::string(op) + ": the input");
  if (padding != "valid" && padding != "same") {
    throw InvalidArgument(std::string(op) + ": padding must be 'valid' or 'same', got '" + padding + "'");
  }
  std::vector<std::int64_t> before(axes + 2, 0), after(axes + 2, 0), steps(strides.begin(), strides.end());
  for (std::size_t i = 0; i < axes; ++i) {
    if (steps[i] == 0) steps[i] = size[i];
    if (size[i] < 1 || steps[i] < 1 || dilation[i] < 1) {
      throw InvalidArgument(std::string(op) + ": size, strides and dilation_rate must be positive");
    }
    if (padding == "same") {
      std::tie(before[i + 1], after[i + 1]) =
          same_padding(x.shape()[static_cast<int>(i) + 1], size[i], steps[i], dilation[i]);
    }
  }
  x = pad(x, before, after);
  // Each axis becomes two: the patches, and the places in a patch.
  Shape apart = x.shape().slice(0, 1), result = apart;
  std::vector<int> order = {0};
  std::int64_t elements = x.shape()[-1];
  for (int axis = 1; axis <= spatial; ++axis) {
    const auto i = static_cast<std::size_t>(axis - 1);
    const std::int64_t reach = (size[i] - 1) * dilation[i] + 1, whole = x.shape()[axis];
    if (reach > whole) {
      throw InvalidArgument(std::string(op) + ": a patch of " + std::to_string(reach) + " does not fit into " +
                            std::to_string(whole));
    }
    const std::int64_t count = (whole - reach) / steps[i] + 1;
    std::vector<std::int32_t> positions;
    for (std::int64_t k = 0; k < count * size[i]; ++k) {
      positions.push_back(static_cast<std::int32_t>(k / size[i] * steps[i] + k % size[i] * dilation[i]));
    }
    x = pick(op, x, axis, positions);
    apart = apart.concat({count, size[i]});
    result.push_back(count);
    order.push_back(2 * axis - 1);
    elements *= size[i];
  }
  for (int axis = 1; axis <= spatial; ++axis) order.push_back(2 * axis);
  order.push_back(2 * spatial + 1);
  apart.push_back(x.shape()[-1]);
  result.push_back(elements);
  return reshape(transpose(reshape(x, apart), order), result);
}

}  // namespace

Value extract_patches(Value images, std::array<std::int64_t, 2> size, const PatchOptions& options) {
  return patches("extract_patches", images, size, options.strides, options.dilation_rate, options.padding);
}
Value extract_patches_3d(Value volumes, std::array<std::int64_t, 3> size, const PatchOptions3D& options) {
  return patches("extract_patches_3d", volumes, size, options.strides, options.dilation_rate, options.padding);
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
  return filtered(to_floating(images), bell(kernel_size[1], kernel_size[0], sigma[1], sigma[0]));
}

// Of two windows: (2 ma mb + c1)(2 cov + c2) / ((ma^2 + mb^2 + c1)(va + vb + c2)), by their means, variances and
// covariance.
Value ssim(Value a, Value b, const SsimOptions& options) {
  meet(a, b);
  a = to_floating(a);
  b = to_floating(b);
  expect_images("ssim", a);
  const std::int64_t size = options.filter_size;
  if (a.shape() != b.shape() || size < 1 || a.shape()[1] < size || a.shape()[2] < size) {
    throw InvalidArgument("ssim: expected two images of one shape and not smaller than the filter of " +
                          std::to_string(size) + " pixels, got " + a.shape().to_string() + " and " +
                          b.shape().to_string());
  }
  const Tensor window = bell(size, size, options.filter_sigma, options.filter_sigma);
  const auto mean_of = [&](const Value& x) { return filtered(x, window, "valid"); };
  const double c1 = std::pow(options.k1 * options.max_val, 2), c2 = std::pow(options.k2 * options.max_val, 2);
  const Value ma = mean_of(a), mb = mean_of(b);
  const Value va = mean_of(a * a) - ma * ma, vb = mean_of(b * b) - mb * mb, cov = mean_of(a * b) - ma * mb;
  const Value similarity = (ma * mb * 2.0 + c1) * (cov * 2.0 + c2) / ((ma * ma + mb * mb + c1) * (va + vb + c2));
  return mean(similarity, {1, 2, 3});
}

}  // namespace keratin::ops::image
