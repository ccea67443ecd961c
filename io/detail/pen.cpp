#include "keratin/io/detail/pen.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace keratin::detail {
namespace {

std::size_t pixel(int row, int column) { return static_cast<std::size_t>(row * kSheetSize + column); }

int clamp_to_sheet(double position) {
  return static_cast<int>(std::clamp(position, 0.0, static_cast<double>(kSheetSize - 1)));
}

// A capsule from a to b whose radius changes linearly.
void draw_segment(Sheet& sheet, const InkPoint& a, const InkPoint& b, double softness) {
  const double reach = std::max(a.radius, b.radius) + softness;
  const int left = clamp_to_sheet(std::min(a.x, b.x) - reach), right = clamp_to_sheet(std::max(a.x, b.x) + reach);
  const int top = clamp_to_sheet(std::min(a.y, b.y) - reach), bottom = clamp_to_sheet(std::max(a.y, b.y) + reach);
  const double dx = b.x - a.x, dy = b.y - a.y;
  const double length2 = dx * dx + dy * dy;
  for (int row = top; row <= bottom; ++row) {
    for (int column = left; column <= right; ++column) {
      const double px = column + 0.5 - a.x, py = row + 0.5 - a.y;
      const double along = length2 > 0 ? std::clamp((px * dx + py * dy) / length2, 0.0, 1.0) : 0.0;
      const double ex = px - along * dx, ey = py - along * dy;
      const double inside = a.radius + along * (b.radius - a.radius) - std::sqrt(ex * ex + ey * ey);
      double& ink = sheet[pixel(row, column)];
      ink = std::max(ink, std::min(0.5 + inside / softness, 1.0));
    }
  }
}

}  // namespace

Sheet draw(const std::vector<InkStroke>& strokes, double softness) {
  Sheet sheet{};
  for (const InkStroke& stroke : strokes) {
    for (std::size_t i = 1; i < stroke.size(); ++i) draw_segment(sheet, stroke[i - 1], stroke[i], softness);
  }
  return sheet;
}

void blur(Sheet& sheet, double strength) {
  const Sheet sharp = sheet;
  const auto at = [&sharp](int row, int column) {
    const bool outside = row < 0 || column < 0 || row >= kSheetSize || column >= kSheetSize;
    return outside ? 0.0 : sharp[pixel(row, column)];
  };
  for (int row = 0; row < kSheetSize; ++row) {
    for (int column = 0; column < kSheetSize; ++column) {
      double sum = 0;
      for (int dy = -1; dy <= 1; ++dy) {
        for (int dx = -1; dx <= 1; ++dx) sum += (2 - dy * dy) * (2 - dx * dx) * at(row + dy, column + dx);
      }
      double& ink = sheet[pixel(row, column)];
      ink += strength * (sum / 16 - ink);
    }
  }
}

}  // namespace keratin::detail
