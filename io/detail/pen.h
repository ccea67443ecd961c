// A round pen on a square sheet of pixels: draws strokes with smooth edges.
#pragma once

#include <array>
#include <vector>

namespace keratin::detail {

inline constexpr int kSheetSize = 28;  // pixels, as in MNIST

// In pixels, x to the right, y down; pixel (row, column) covers [column, column + 1) x [row, row + 1).
struct InkPoint {
  double x, y;
  double radius;  // half the width of the line here
};
using InkStroke = std::vector<InkPoint>;

// How much of each pixel is inked, 0 to 1, row-major.
using Sheet = std::array<double, kSheetSize * kSheetSize>;

// `softness`: over how many pixels the edge of a line fades; 1 is plain anti-aliasing.
// Uses +, -, *, / and square roots only, which round the same on every machine.
Sheet draw(const std::vector<InkStroke>& strokes, double softness);

// A 3x3 binomial blur, mixed in with `strength` 0 to 1.
void blur(Sheet& sheet, double strength);

}  // namespace keratin::detail
