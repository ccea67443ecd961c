#include "keratin/core/ops/image.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/detail/pick.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/gather.h"
#include "keratin/core/ops/matmul.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::ops {
namespace {

using namespace op_support;

// Of rows of a table: their numbers are int32.
void expect_countable(std::string_view op, std::int64_t rows) {
  if (rows <= std::numeric_limits<std::int32_t>::max()) return;
  throw InvalidArgument(std::string(op) + ": more than 2^31 pixels at once; use a smaller batch");
}

void expect_word(std::string_view where, const char* option, const std::string& word,
                 const std::vector<std::string>& words) {
  if (std::find(words.begin(), words.end(), word) != words.end()) return;
  std::string list;
  for (const std::string& known : words) {
    list += (list.empty() ? "'" : known == words.back() ? " or '" : ", '") + known + "'";
  }
  throw InvalidArgument(std::string(where) + ": " + option + " must be " + list + ", got '" + word + "'" +
                        did_you_mean(word, words));
}

void expect_images(std::string_view op, const Value& images) {
  if (images.rank() != 4 || !images.shape().is_known()) {
    throw InvalidArgument(std::string(op) + ": images must have four axes (n, h, w, c) of known sizes, got shape " +
                          images.shape().to_string());
  }
}

// ---- Resizing
// --------------------------------------------------------------------------------------------------------

// What a pixel counts at distance x >= 0 from the place asked for; 0 from `radius` on.
struct Filter {
  double radius = 1;
  double (*share)(double x, double radius) = nullptr;
};

double triangle(double x, double) { return 1 - x; }

// Keys, Cubic convolution interpolation for digital image processing (1981), with a = -1/2.
double cubic(double x, double) { return x < 1 ? (1.5 * x - 2.5) * x * x + 1 : ((-0.5 * x + 2.5) * x - 4) * x + 2; }

double lanczos(double x, double radius) {
  const double t = std::numbers::pi * x;
  return x < 1e-6 ? 1 : radius * std::sin(t) * std::sin(t / radius) / (t * t);
}

Filter filter_of(const std::string& interpolation) {
  if (interpolation == "bilinear") return {1, triangle};
  if (interpolation == "bicubic") return {2, cubic};
  return {interpolation == "lanczos3" ? 3.0 : 5.0, lanczos};
}

// Row i holds the shares of the image's pixels in pixel i of the result, whose centre lies at (i + 1/2) size/count -
// 1/2 between the centres of the image's pixels. Shares that fall outside of the image go to the others.
Tensor shares_of(std::int64_t size, std::int64_t count, const Filter& filter, bool antialias, DType dtype) {
  constexpr std::int64_t kMost = std::int64_t{1} << 25;  // elements: 4096 pixels made 8192
  if (count > kMost / size) {
    throw InvalidArgument("interpolation of " + std::to_string(size) + " pixels to " + std::to_string(count) +
                          " takes too much memory; resize the images beforehand");
  }
  Tensor result({count, size}, DType::float64);
  const double scale = static_cast<double>(size) / static_cast<double>(count);
  const double width = antialias ? std::max(scale, 1.0) : 1;
  for (std::int64_t i = 0; i < count; ++i) {
    const std::span<double> row =
        result.values<double>().subspan(static_cast<std::size_t>(i * size), static_cast<std::size_t>(size));
    const double centre = (static_cast<double>(i) + 0.5) * scale - 0.5;
    double sum = 0;
    for (std::size_t j = 0; j < row.size(); ++j) {
      const double distance = std::abs(centre - static_cast<double>(j)) / width;
      if (distance < filter.radius) row[j] = filter.share(distance, filter.radius);
      sum += row[j];
    }
    for (double& share : row) share /= sum;
  }
  return result.astype(dtype);
}

// Pixel i of the result is the one its centre lies in.
Value resized_nearest(Value x, int axis, std::int64_t count) {
  const std::int64_t size = x.shape()[axis];
  std::vector<std::int32_t> positions;
  for (std::int64_t i = 0; i < count; ++i) {
    positions.push_back(static_cast<std::int32_t>((2 * i + 1) * size / (2 * count)));
  }
  return pick("resize", x, axis, positions);
}

// The sizes of the largest window of the aspect ratio to.height : to.width, or of the image with a border.
struct Window {
  std::int64_t height, width;
};

Window window_for(std::int64_t h, std::int64_t w, std::int64_t height, std::int64_t width) {
  const auto scaled = [](std::int64_t a, std::int64_t times, std::int64_t by) {
    return static_cast<std::int64_t>(static_cast<double>(a) * static_cast<double>(times) / static_cast<double>(by));
  };
  return {scaled(w, height, width), scaled(h, width, height)};
}

Value cropped(const Value& x, std::int64_t height, std::int64_t width) {
  const Shape& s = x.shape();
  const Window window = window_for(s[1], s[2], height, width);
  const std::int64_t h = std::clamp<std::int64_t>(window.height, 1, s[1]);
  const std::int64_t w = std::clamp<std::int64_t>(window.width, 1, s[2]);
  return slice(x, {0, (s[1] - h) / 2, (s[2] - w) / 2, 0}, {s[0], h, w, s[3]});
}

// As in Keras, both sides get the same: an odd pixel is left out. Only one axis can need a border.
Value padded(const Value& x, std::int64_t height, std::int64_t width, double value) {
  const Shape& s = x.shape();
  const Window window = window_for(s[1], s[2], height, width);
  const std::int64_t top = std::max<std::int64_t>(window.height - s[1], 0) / 2;
  const std::int64_t left = top > 0 ? 0 : std::max<std::int64_t>(window.width - s[2], 0) / 2;
  return pad(x, {0, top, left, 0}, {0, top, left, 0}, value);
}

// ---- Sampling
// --------------------------------------------------------------------------------------------------------

// A pixel of the image along one axis for each place: its index, and what it counts (empty: 1).
struct Tap {
  Value index, share;
};

Value floor_mod(const Value& i, double size) { return i - floor((i + 0.5) / size) * size; }  // of whole numbers

// Whole numbers led back into [0, size), in floating point until then: it holds them exactly.
Value inside(const Value& i, std::int64_t count, const std::string& fill_mode) {
  const auto size = static_cast<double>(count);
  Value index = i;
  if (fill_mode == "wrap") index = floor_mod(i, size);
  if (fill_mode == "reflect") {
    const Value period = floor_mod(i, 2 * size);
    index = minimum(period, (2 * size - 1) - period);
  }
  return cast(clip(index, 0, size - 1), DType::int32);
}

std::vector<Tap> taps(const Value& place, std::int64_t size, const image::SampleOptions& options) {
  const Value at = stop_gradient(place);
  const bool constant = options.fill_mode == "constant";
  const auto share_within = [&](const Value& i, const Value& share) {
    if (!constant) return share;
    const Value within = logical_and(greater_equal(i, 0.0), less_equal(i, static_cast<double>(size - 1)));
    const Value one = cast(within, i.dtype());
    return share ? share * one : one;
  };
  if (options.interpolation == "nearest") {
    const Value i = sign(at) * floor(abs(at) + 0.5);  // halves go away from 0, as in Keras
    return {{inside(i, size, options.fill_mode), share_within(i, {})}};
  }
  const Value i = floor(at), above = at - i, next = i + 1.0;
  return {{inside(i, size, options.fill_mode), share_within(i, 1.0 - above)},
          {inside(next, size, options.fill_mode), share_within(next, above)}};
}

// pixels · share, for all channels; an empty share is 1.
Value shared(const Value& pixels, const Value& share) { return share ? pixels * expand_dims(share, 3) : pixels; }

Value sum_of(const Values& parts) {
  Value sum = parts.front();
  for (std::size_t i = 1; i < parts.size(); ++i) sum = sum + parts[i];
  return sum;
}

// What the shares sum up to; empty: 1.
Value covered(const std::vector<Tap>& taps) {
  Value sum;
  for (const Tap& tap : taps) {
    if (tap.share) sum = sum ? sum + tap.share : tap.share;
  }
  return sum ? expand_dims(sum, 3) : sum;
}

// The number of the first of `size` rows of a table for each of `count` blocks: (count, 1, 1).
Value first_rows(std::int64_t count, std::int64_t size) { return iota({count, 1, 1}, 0) * static_cast<double>(size); }

// x: (n, h, w, c)   index: (n, k, 1) -> (n, k, w, c)
Value rows_at(const Value& x, const Value& index) {
  const Shape& s = x.shape();
  const Value table = reshape(x, {s[0] * s[1], s[2] * s[3]});
  const Value y = take(table, first_rows(s[0], s[1]) + index);
  return reshape(y, {s[0], y.shape()[1], s[2], s[3]});
}

// x: (n, h, w, c)   rows: (n, h', w') or (n, h', 1)   columns: (n, h', w') or (n, 1, w')  -> (n, h', w', c)
Value pixels_at(const Value& x, const Value& rows, const Value& columns) {
  const Shape& s = x.shape();
  const Value row = rows ? rows : iota({1, s[1], 1}, 1);
  const Value first = (first_rows(s[0], s[1]) + row) * static_cast<double>(s[2]);
  return take(reshape(x, {s[0] * s[1] * s[2], s[3]}), first + columns);
}

bool is_separable(const Value& rows, const Value& columns) {
  return !rows || !columns || (rows.shape()[2] == 1 && columns.shape()[1] == 1);
}

}  // namespace

Value flip(Value x, std::vector<int> axes) {
  if (!x.shape().is_known()) {
    throw InvalidArgument("flip: sizes must be known, got shape " + x.shape().to_string());
  }
  for (int axis : axes) {
    const int from_start = axis < 0 ? axis + x.rank() : axis;
    if (from_start < 0 || from_start >= x.rank()) {
      throw InvalidArgument("flip: axis " + std::to_string(axis) + " is out of range for rank " +
                            std::to_string(x.rank()));
    }
    std::vector<std::int32_t> positions(static_cast<std::size_t>(x.shape()[from_start]));
    for (std::size_t i = 0; i < positions.size(); ++i) {
      positions[i] = static_cast<std::int32_t>(positions.size() - 1 - i);
    }
    x = pick("flip", x, from_start, positions);
  }
  return x;
}

namespace image {

void check_options(std::string_view where, const ResizeOptions& options) {
  expect_word(where, "interpolation", options.interpolation,
              {"bilinear", "nearest", "bicubic", "lanczos3", "lanczos5"});
  if (options.crop_to_aspect_ratio && options.pad_to_aspect_ratio) {
    throw InvalidArgument(std::string(where) +
                          ": crop_to_aspect_ratio and pad_to_aspect_ratio exclude each other; choose one");
  }
}

void check_options(std::string_view where, const SampleOptions& options) {
  expect_word(where, "interpolation", options.interpolation, {"bilinear", "nearest"});
  expect_word(where, "fill_mode", options.fill_mode, {"constant", "nearest", "reflect", "wrap"});
}

Value resize(Value x, std::int64_t height, std::int64_t width, const ResizeOptions& options) {
  check_options("resize", options);
  expect_images("resize", x);
  if (height < 1 || width < 1) {
    throw InvalidArgument("resize: height and width must be positive, got " + std::to_string(height) + " and " +
                          std::to_string(width));
  }
  if (options.crop_to_aspect_ratio) x = cropped(x, height, width);
  if (options.pad_to_aspect_ratio) x = padded(x, height, width, options.fill_value);
  const std::int64_t n = x.shape()[0], h = x.shape()[1], w = x.shape()[2], c = x.shape()[3];
  if (options.interpolation == "nearest") {
    if (h != height) x = resized_nearest(x, 1, height);
    return w == width ? x : resized_nearest(x, 2, width);
  }
  x = to_floating(x);
  const Filter filter = filter_of(options.interpolation);
  // Products with constant matrices: rows first, then columns.
  if (h != height) {
    const Tensor shares = shares_of(h, height, filter, options.antialias, x.dtype());
    x = reshape(matmul(shares, reshape(x, {n, h, w * c})), {n, height, w, c});
  }
  if (w != width) {
    const Tensor shares = shares_of(w, width, filter, options.antialias, x.dtype());
    const Value y = c == 1 ? matmul(reshape(x, {n * height, w}), shares, {.transpose_b = true})
                           : matmul(shares, reshape(x, {n * height, w, c}));
    x = reshape(y, {n, height, width, c});
  }
  return x;
}

Value sample(Value images, const Value& rows, const Value& columns, const SampleOptions& options) {
  check_options("sample", options);
  expect_images("sample", images);
  for (const Value& place : {rows, columns}) {
    if (place && (place.rank() != 3 || !place.shape().is_known() || !is_floating(place.dtype()))) {
      throw InvalidArgument("sample: rows and columns must be floating, with three axes of known sizes, got " +
                            place.spec().to_string());
    }
  }
  const Value x = to_floating(images);
  expect_countable("sample", x.shape()[0] * x.shape()[1] * x.shape()[2]);
  const auto taps_of = [&](const Value& places, std::int64_t size) {
    return places ? taps(cast(places, x.dtype()), size, options) : std::vector<Tap>();
  };
  const std::vector<Tap> row_taps = taps_of(rows, x.shape()[1]), column_taps = taps_of(columns, x.shape()[2]);
  Value y = x;
  if (is_separable(rows, columns)) {
    Values parts;
    for (const Tap& row : row_taps) parts.push_back(shared(rows_at(x, row.index), row.share));
    if (rows) y = sum_of(parts);
    parts.clear();
    for (const Tap& column : column_taps) parts.push_back(shared(pixels_at(y, {}, column.index), column.share));
    if (columns) y = sum_of(parts);
  } else {
    Values parts;
    for (const Tap& row : row_taps) {
      for (const Tap& column : column_taps) {
        const Value share = row.share ? row.share * column.share : Value();
        parts.push_back(shared(pixels_at(x, row.index, column.index), share));
      }
    }
    y = sum_of(parts);
  }
  if (options.fill_mode != "constant" || options.fill_value == 0) return y;
  const Value vertical = covered(row_taps), horizontal = covered(column_taps);
  if (!vertical && !horizontal) return y;
  const Value cover = vertical && horizontal ? vertical * horizontal : vertical ? vertical : horizontal;
  return y + (1.0 - cover) * options.fill_value;
}

Value affine_transform(Value images, const Value& transform, const SampleOptions& options) {
  expect_images("affine_transform", images);
  const Shape& given = transform.shape();
  if (given.rank() != 2 || given[1] != 6 || (given[0] != 1 && given[0] != images.shape()[0])) {
    throw InvalidArgument("affine_transform: transform must have shape (" + std::to_string(images.shape()[0]) +
                          ", 6) or (1, 6), got " + given.to_string());
  }
  const Value x = to_floating(images);
  const auto number = [&](std::int64_t i) {
    return reshape(slice(cast(transform, x.dtype()), {0, i}, {-1, 1}), {given[0], 1, 1});
  };
  const Value row = iota({1, x.shape()[1], 1}, 1, x.dtype()), column = iota({1, 1, x.shape()[2]}, 2, x.dtype());
  return sample(x, number(3) * column + number(4) * row + number(5), number(0) * column + number(1) * row + number(2),
                options);
}

}  // namespace image
}  // namespace keratin::ops
