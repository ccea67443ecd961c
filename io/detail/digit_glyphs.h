// The written forms of the ten digits: strokes through points, several forms for each digit.
#pragma once

#include <vector>

namespace keratin::detail {

// x to the right, y down; a digit is one unit high. The pen runs smoothly through the points and turns at corners.
struct GlyphPoint {
  double x, y;
  bool corner = false;
};
using GlyphStroke = std::vector<GlyphPoint>;

struct Glyph {
  int weight;  // how often this form is written, relative to the digit's other forms
  std::vector<GlyphStroke> strokes;
};

// The forms of `digit`, 0 to 9.
const std::vector<Glyph>& glyphs_of(int digit);

}  // namespace keratin::detail
