// Size3D and Border3D: numbers for the three spatial axes of volumes, written as in Keras: 3, {3, 5, 5},
// {{1, 0}, {2, 2}, {0, 1}}.
#pragma once

#include <array>
#include <cstdint>

namespace keratin {

// Depth, height and width; one number stands for all.
struct Size3D {
  std::int64_t depth = 0, height = 0, width = 0;

  constexpr Size3D(std::int64_t all)  // NOLINT(google-explicit-constructor): `MaxPooling3D(2)`
      : depth(all), height(all), width(all) {}
  constexpr Size3D(std::int64_t d, std::int64_t h, std::int64_t w) : depth(d), height(h), width(w) {}

  constexpr std::array<std::int64_t, 3> array() const { return {depth, height, width}; }
  constexpr bool operator==(const Size3D&) const = default;
};

// Voxels at the six sides: one number for all, one for both ends of each axis, or two for each axis.
struct Border3D {
  std::array<std::int64_t, 2> depth = {0, 0}, height = {0, 0}, width = {0, 0};  // before, after

  constexpr Border3D(std::int64_t all)  // NOLINT(google-explicit-constructor): `ZeroPadding3D(1)`
      : depth{all, all}, height{all, all}, width{all, all} {}
  constexpr Border3D(std::int64_t d, std::int64_t h, std::int64_t w) : depth{d, d}, height{h, h}, width{w, w} {}
  constexpr Border3D(std::array<std::int64_t, 2> d, std::array<std::int64_t, 2> h, std::array<std::int64_t, 2> w)
      : depth(d), height(h), width(w) {}

  constexpr bool operator==(const Border3D&) const = default;
};

}  // namespace keratin
