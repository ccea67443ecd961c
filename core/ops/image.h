// Ops on images (n, h, w, c): ops::flip, and ops::image:: resize, sample and affine_transform. Compositions of others.
// Sizes must be known, as they are in a layer's `call`; else InvalidArgument is thrown.
#pragma once

#include <string>
#include <vector>

#include "keratin/core/graph/node.h"

namespace keratin::ops {

// x backwards along the axes; negative ones count from the end. Any shape and dtype.
Value flip(Value x, std::vector<int> axes);

namespace image {

struct ResizeOptions {
  std::string interpolation = "bilinear";  // or "nearest", "bicubic", "lanczos3", "lanczos5"
  bool antialias = false;                  // what shrinks is smoothed, unless interpolation is "nearest"
  // One of them at most: the largest window in the middle, or the image with a border, of the new aspect ratio.
  bool crop_to_aspect_ratio = false;
  bool pad_to_aspect_ratio = false;
  double fill_value = 0.0;  // of the border
};

// (n, h, w, c) -> (n, height, width, c), floating unless interpolation is "nearest". Pixels have centres: a pixel of
// the result lies where its centre lies in the image. Throws InvalidArgument for sizes that are not positive, for an
// unknown interpolation, for both aspect ratios, and for images so large that the matrix of shares (size before by
// size after) would have more than 2^25 elements.
Value resize(Value images, std::int64_t height, std::int64_t width, const ResizeOptions& options = {});

struct SampleOptions {
  std::string interpolation = "bilinear";  // or "nearest"
  // What lies outside: "constant", fill_value; "nearest", the border; "reflect", the image mirrored at its edge
  // (d c b a | a b c d | d c b a); "wrap", the image again.
  std::string fill_mode = "constant";
  double fill_value = 0.0;
};

// The image at places between its pixels; a pixel's place is its row and column from 0.
// images: (n, h, w, c)   rows, columns: floating, and broadcast to each other: (n, h', w')  -> (n, h', w', c),
// floating. Rows (n, h', 1) and columns (n, 1, w') cost least. An empty Value: each row, or column, as it is. Gradients
// flow to the images, not to the places. Throws InvalidArgument for an unknown interpolation or fill_mode.
Value sample(Value images, const Value& rows, const Value& columns, const SampleOptions& options = {});

// Pixel (x, y) of the result is the image's at (a0 x + a1 y + a2, b0 x + b1 y + b2), x the column and y the row.
// images: (n, h, w, c)   transform: (n, 6) or (1, 6), floating: a0, a1, a2, b0, b1, b2  -> like images, floating.
// Keras's transform has two more numbers, which are 0 for an affine one.
Value affine_transform(Value images, const Value& transform, const SampleOptions& options = {});

// Throws InvalidArgument, "RandomZoom: fill_mode must be ...", for a word that `sample` does not know.
void check_options(std::string_view where, const SampleOptions& options);
void check_options(std::string_view where, const ResizeOptions& options);

}  // namespace image
}  // namespace keratin::ops
