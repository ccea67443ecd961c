// The bundled digits: handwriting drawn by Keratin itself, in MNIST's format and framing. No files are needed.
#pragma once

#include <array>
#include <cstdint>

namespace keratin {

struct Digit {
  std::array<std::uint8_t, 28 * 28> pixels;  // row-major, white ink on black
  std::int32_t label;                        // 0 to 9, all equally likely
};

// Image `index` of the endless sequence that belongs to `seed`. It depends on the two numbers only: the same on every
// machine, in any order, from any thread.
//
// A form of the digit is drawn with shaken points, slant, rotation, stretching, a smooth distortion, lines of changing
// width, blur and grain; the ink is fitted into 20x20 pixels and its centre of mass put in the middle, as in MNIST.
Digit draw_digit(std::uint64_t seed, std::uint64_t index);

}  // namespace keratin
