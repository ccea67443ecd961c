#include "keratin/core/ops/color.h"

#include <limits>

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/matmul.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::ops::image {
namespace {

void expect_colors(std::string_view op, const Value& images) {
  if (images.rank() > 0 && images.shape()[images.rank() - 1] == 3) return;
  throw InvalidArgument(std::string(op) + ": the last axis must have size 3 (red, green, blue), got shape " +
                        images.shape().to_string());
}

}  // namespace

Value rgb_to_grayscale(Value images) {
  const Value x = op_support::to_floating(images);
  if (x.rank() > 0 && x.shape()[x.rank() - 1] == 1) return x;
  expect_colors("rgb_to_grayscale", x);
  return matmul(x, Tensor({3, 1}, {0.2989, 0.5870, 0.1140}).astype(x.dtype()));
}

Value rgb_to_hsv(Value images) {
  op_support::expect_floating(images.spec(), "rgb_to_hsv: images");
  expect_colors("rgb_to_hsv", images);
  const double epsilon = images.dtype() == DType::float64 ? std::numeric_limits<double>::epsilon()
                                                          : double{std::numeric_limits<float>::epsilon()};
  const Values rgb = split(where(less(abs(images), epsilon), 0.0, images), 3);
  const Value &r = rgb[0], &g = rgb[1], &b = rgb[2];
  const Value value = maximum(maximum(r, g), b), range = value - minimum(minimum(r, g), b);
  const Value lit = greater(value, 0.0), colored = greater(range, 0.0);
  const Value saturation = where(lit, range / where(lit, value, 1.0), 0.0);
  const Value unit = where(colored, range, 1.0) * 6.0;
  const Value hue = where(equal(value, r), (g - b) / unit,
                          where(equal(value, g), (b - r) / unit + 1.0 / 3, (r - g) / unit + 2.0 / 3));
  const Value around = hue + cast(less(hue, 0.0), hue.dtype());
  return concatenate({where(colored, around, 0.0), saturation, value});
}

Value hsv_to_rgb(Value images) {
  op_support::expect_floating(images.spec(), "hsv_to_rgb: images");
  expect_colors("hsv_to_rgb", images);
  const Values hsv = split(images, 3);
  const Value &saturation = hsv[1], &value = hsv[2];
  const Value sixth = (hsv[0] - floor(hsv[0])) * 6.0;
  const Values shares = {clip(abs(sixth - 3.0) - 1.0, 0, 1), clip(2.0 - abs(sixth - 2.0), 0, 1),
                         clip(2.0 - abs(sixth - 4.0), 0, 1)};
  Values rgb;
  for (const Value& share : shares) rgb.push_back(value * (1.0 - saturation + saturation * share));
  return concatenate(rgb);
}

}  // namespace keratin::ops::image
