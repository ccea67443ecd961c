#include "keratin/io/digits.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "keratin/core/tensor/philox.h"
#include "keratin/io/detail/digit_glyphs.h"
#include "keratin/io/detail/pen.h"

// Everything here is +, -, *, / and square roots in double: results do not depend on a machine's sine or exponential.
// Random numbers are drawn one in a statement: compilers differ in the order in which they evaluate arguments.

namespace keratin {
namespace {

using detail::Glyph;
using detail::GlyphPoint;
using detail::GlyphStroke;
using detail::InkPoint;
using detail::InkStroke;
using detail::Sheet;

// The numbers of one image, one after the other.
class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t index) : seed_(seed), index_(index) {}

  double uniform() {
    if (used_ == 4) {
      block_ = philox_at(seed_, index_, next_block_++);
      used_ = 0;
    }
    return uniform_from_bits(block_.x[used_++]);
  }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  // Bell-shaped with mean 0 and deviation 1, never beyond 3.5: the sum of four uniform numbers.
  double normal() {
    double sum = 0;
    for (int i = 0; i < 4; ++i) sum += uniform();
    return (sum - 2) * 1.7320508075688772;
  }
  double normal(double mean, double deviation, double low, double high) {
    return std::clamp(mean + deviation * normal(), low, high);
  }
  bool chance(double probability) { return uniform() < probability; }
  int below(int count) { return static_cast<int>(uniform() * count); }

 private:
  std::uint64_t seed_, index_, next_block_ = 0;
  PhiloxBlock block_{};
  int used_ = 4;
};

// Weights of the uniform cubic B-spline at t in [0, 1]: smooth curves and fields from random numbers on a grid.
std::array<double, 4> spline_weights(double t) {
  const double s = 1 - t;
  return {s * s * s / 6, (3 * t * t * t - 6 * t * t + 4) / 6, (3 * s * s * s - 6 * s * s + 4) / 6, t * t * t / 6};
}

// A smooth random curve over [0, 1].
class Wobble {
 public:
  explicit Wobble(Random& random) {
    for (double& value : values_) value = random.normal();
  }
  double operator()(double t) const {
    const double position = std::clamp(t, 0.0, 1.0) * (kCells - 1e-9);
    const auto cell = static_cast<std::size_t>(position);
    const auto weights = spline_weights(position - static_cast<double>(cell));
    double sum = 0;
    for (std::size_t i = 0; i < 4; ++i) sum += weights[i] * values_[cell + i];
    return sum;
  }

 private:
  static constexpr int kCells = 3;
  std::array<double, kCells + 3> values_;
};

// A smooth random displacement of the unit square: one number for each axis needs two of these.
class Field {
 public:
  explicit Field(Random& random) {
    for (auto& row : values_) {
      for (double& value : row) value = random.normal();
    }
  }
  double operator()(double x, double y) const {
    const double column = std::clamp(x, 0.0, 1.0) * (kCells - 1e-9), row = std::clamp(y, 0.0, 1.0) * (kCells - 1e-9);
    const auto i = static_cast<std::size_t>(row), j = static_cast<std::size_t>(column);
    const auto wy = spline_weights(row - static_cast<double>(i)), wx = spline_weights(column - static_cast<double>(j));
    double sum = 0;
    for (std::size_t a = 0; a < 4; ++a) {
      for (std::size_t b = 0; b < 4; ++b) sum += wy[a] * wx[b] * values_[i + a][j + b];
    }
    return sum;
  }

 private:
  static constexpr int kCells = 2;
  std::array<std::array<double, kCells + 3>, kCells + 3> values_;
};

const Glyph& choose_glyph(int digit, Random& random) {
  const std::vector<Glyph>& glyphs = detail::glyphs_of(digit);
  int total = 0;
  for (const Glyph& glyph : glyphs) total += glyph.weight;
  int ticket = random.below(total);
  std::size_t choice = 0;
  while (ticket >= glyphs[choice].weight) ticket -= glyphs[choice++].weight;
  return glyphs[choice];
}

// The pen's way: a Catmull-Rom curve through the points, without a bend carried across corners.
std::vector<GlyphPoint> trace(const GlyphStroke& stroke) {
  constexpr int kSteps = 6;
  std::vector<GlyphPoint> path{stroke.front()};
  for (std::size_t i = 0; i + 1 < stroke.size(); ++i) {
    const GlyphPoint &a = stroke[i], &b = stroke[i + 1];
    const GlyphPoint& before = i > 0 && !a.corner ? stroke[i - 1] : a;
    const GlyphPoint& after = i + 2 < stroke.size() && !b.corner ? stroke[i + 2] : b;
    for (int step = 1; step <= kSteps; ++step) {
      const double t = static_cast<double>(step) / kSteps, t2 = t * t, t3 = t2 * t;
      const auto blend = [&](double p, double q, double r, double s) {
        return 0.5 * (2 * q + (r - p) * t + (2 * p - 5 * q + 4 * r - s) * t2 + (3 * q - p - 3 * r + s) * t3);
      };
      path.push_back({blend(before.x, a.x, b.x, after.x), blend(before.y, a.y, b.y, after.y)});
    }
  }
  return path;
}

// Without these shares of the path at its beginning and end; nothing is cut off for negative ones.
std::vector<GlyphPoint> trim(std::vector<GlyphPoint> path, double begin, double end) {
  const auto cut = [size = static_cast<double>(path.size())](double share) {
    return static_cast<std::ptrdiff_t>(std::max(0.0, share) * size);
  };
  return {path.begin() + cut(begin), path.end() - cut(end)};
}

// One person's way of writing `digit` once, in units of its height.
std::vector<std::vector<GlyphPoint>> write(int digit, Random& random) {
  const Glyph& glyph = choose_glyph(digit, random);
  const double shake = random.uniform(0.008, 0.03);
  // A line stands for 1 and two loops for 8 at any slant; other digits would turn into each other.
  const bool unmistakable = digit == 1 || digit == 8;
  const double slant = unmistakable ? random.normal(0.22, 0.27, -0.35, 0.8) : random.normal(0.17, 0.21, -0.35, 0.65);
  // Rotation by the angle whose half has this tangent: exact without sine and cosine.
  const double half = random.normal(0, 0.06, -0.15, 0.15);
  const double cosine = (1 - half * half) / (1 + half * half), sine = 2 * half / (1 + half * half);
  const double width = random.normal(1.08, 0.22, 0.65, 1.7);
  // The shares of upper and lower half, and how much wider the lower one is.
  const double share = random.normal(0, 0.15, -0.35, 0.35), taper = random.normal(0, 0.22, -0.45, 0.45);
  const double bend = random.uniform(0.02, 0.085);
  const Field bend_x(random), bend_y(random);

  std::vector<std::vector<GlyphPoint>> paths;
  for (const GlyphStroke& stroke : glyph.strokes) {
    GlyphStroke shaken = stroke;
    for (GlyphPoint& point : shaken) {
      point.x += shake * random.normal();
      point.y += shake * random.normal();
    }
    const double late_start = random.uniform(-0.06, 0.1), early_end = random.uniform(-0.06, 0.1);
    paths.push_back(trim(trace(shaken), late_start, early_end));
    for (GlyphPoint& point : paths.back()) {
      const double bent = point.y + bend * bend_y(point.x, point.y);
      const double x = point.x + bend * bend_x(point.x, point.y), y = bent + share * bent * (1 - bent);
      const double slanted = (x - 0.3) * width * (1 + taper * (bent - 0.5)) - slant * (y - 0.5);
      point.x = cosine * slanted - sine * (y - 0.5);
      point.y = sine * slanted + cosine * (y - 0.5);
    }
  }
  return paths;
}

// Fits the paths into a box of `size` pixels around the origin, with a pen of about `radius`.
std::vector<InkStroke> ink(const std::vector<std::vector<GlyphPoint>>& paths, double radius, double size,
                           Random& random) {
  double left = 1e9, right = -1e9, top = 1e9, bottom = -1e9;
  for (const auto& path : paths) {
    for (const GlyphPoint& point : path) {
      left = std::min(left, point.x), right = std::max(right, point.x);
      top = std::min(top, point.y), bottom = std::max(bottom, point.y);
    }
  }
  const double scale = (size - 2 * radius) / std::max(right - left, bottom - top);
  const double pressure = random.uniform(0.05, 0.3);
  std::vector<InkStroke> strokes;
  for (const auto& path : paths) {
    const Wobble wobble(random);
    InkStroke stroke;
    for (std::size_t i = 0; i < path.size(); ++i) {
      const double along = static_cast<double>(i) / static_cast<double>(path.size() - 1);
      stroke.push_back({(path[i].x - 0.5 * (left + right)) * scale, (path[i].y - 0.5 * (top + bottom)) * scale,
                        radius * std::clamp(1 + pressure * wobble(along), 0.5, 1.5)});
    }
    strokes.push_back(std::move(stroke));
  }
  return strokes;
}

void move(std::vector<InkStroke>& strokes, double dx, double dy) {
  for (InkStroke& stroke : strokes) {
    for (InkPoint& point : stroke) {
      point.x += dx;
      point.y += dy;
    }
  }
}

// Drawn in the middle, then again with its centre of mass there (give or take `offset_x`, `offset_y`).
Sheet draw_centred(std::vector<InkStroke> strokes, double softness, double offset_x, double offset_y) {
  constexpr double kMiddle = 0.5 * detail::kSheetSize;
  move(strokes, kMiddle, kMiddle);
  const Sheet first = detail::draw(strokes, softness);
  double mass = 0, x = 0, y = 0;
  for (int row = 0; row < detail::kSheetSize; ++row) {
    for (int column = 0; column < detail::kSheetSize; ++column) {
      const double here = first[static_cast<std::size_t>(row * detail::kSheetSize + column)];
      mass += here;
      x += here * (column + 0.5);
      y += here * (row + 0.5);
    }
  }
  move(strokes, kMiddle - x / mass + offset_x, kMiddle - y / mass + offset_y);
  return detail::draw(strokes, softness);
}

}  // namespace

Digit draw_digit(std::uint64_t seed, std::uint64_t index) {
  Random random(seed, index);
  Digit digit{};
  digit.label = random.below(10);
  const auto paths = write(digit.label, random);

  const double radius = random.normal(1.25, 0.36, 0.65, 2.0);
  const double size = random.normal(19.5, 0.8, 17.5, 21);
  const double softness = random.uniform(0.9, 1.6);
  const double offset_x = random.uniform(-1.3, 1.3), offset_y = random.uniform(-1.3, 1.3);
  Sheet sheet = draw_centred(ink(paths, radius, size, random), softness, offset_x, offset_y);
  detail::blur(sheet, random.uniform(0, 0.5));

  const double gain = random.uniform(1.1, 1.7);  // ink that is full in the middle of a line, as after scanning
  const double contrast = random.chance(0.1) ? random.uniform(0.5, 0.9) : 1.0;
  const double grain = random.uniform(0, 0.1);
  const double dirt = random.chance(0.1) ? random.uniform(0.01, 0.06) : 0.0;
  for (std::size_t i = 0; i < sheet.size(); ++i) {
    double value = contrast * std::min(1.0, gain * sheet[i]) * (1 + grain * random.normal());
    if (dirt > 0) value += dirt * random.normal();
    digit.pixels[i] = static_cast<std::uint8_t>(std::clamp(value, 0.0, 1.0) * 255 + 0.5);
  }
  return digit;
}

}  // namespace keratin
