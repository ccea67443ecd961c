// Size2D and Border2D: numbers for the two spatial axes of images, written as in Keras: 3, {3, 5}, {{1, 0}, {2, 2}}.
#pragma once

#include <array>
#include <cstdint>

namespace keratin {

// Height and width; one number stands for both.
struct Size2D {
  std::int64_t height = 0, width = 0;

  constexpr Size2D(std::int64_t both)  // NOLINT(google-explicit-constructor): `MaxPooling2D(2)`
      : height(both), width(both) {}
  constexpr Size2D(std::int64_t h, std::int64_t w) : height(h), width(w) {}

  constexpr std::array<std::int64_t, 2> array() const { return {height, width}; }
  constexpr bool operator==(const Size2D&) const = default;
};

// Pixels at the four sides: one number for all, {height, width} for both ends of each axis, or
// {{top, bottom}, {left, right}}.
struct Border2D {
  std::array<std::int64_t, 2> height = {0, 0}, width = {0, 0};  // before, after

  constexpr Border2D(std::int64_t all)  // NOLINT(google-explicit-constructor): `ZeroPadding2D(1)`
      : height{all, all}, width{all, all} {}
  constexpr Border2D(std::int64_t h, std::int64_t w) : height{h, h}, width{w, w} {}
  constexpr Border2D(std::array<std::int64_t, 2> top_bottom, std::array<std::int64_t, 2> left_right)
      : height(top_bottom), width(left_right) {}

  constexpr bool operator==(const Border2D&) const = default;
};

}  // namespace keratin
