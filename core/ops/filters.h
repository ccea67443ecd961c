// Ops on images (n, h, w, c) that look at neighbours: patches, edges, blur. Sizes must be known, as they are in a
// layer's `call`; else InvalidArgument is thrown.
#pragma once

#include <array>
#include <string>

#include "keratin/core/graph/node.h"

namespace keratin::ops::image {

struct PatchOptions {
  std::array<std::int64_t, 2> strides = {0, 0};  // 0: the patch's size
  std::array<std::int64_t, 2> dilation_rate = {1, 1};
  std::string padding = "valid";  // or "same": zeros
};
// (n, h, w, c) -> (n, rows, columns, height width c): the pixels of each patch, row by row.
Value extract_patches(Value images, std::array<std::int64_t, 2> size, const PatchOptions& options = {});
struct PatchOptions3D {
  std::array<std::int64_t, 3> strides = {0, 0, 0};
  std::array<std::int64_t, 3> dilation_rate = {1, 1, 1};
  std::string padding = "valid";
};
// The same of volumes: (n, d, h, w, c) -> (n, ..., ..., ..., depth height width c).
Value extract_patches_3d(Value volumes, std::array<std::int64_t, 3> size, const PatchOptions3D& options = {});
// (n, h, w, c) -> (n, h, w, c, 2), floating: how fast the image grows downwards and to the right, by Sobel's filters.
Value sobel_edges(Value images);
// A mean of the neighbours (zeros outside), weighted by a bell of `sigma` pixels, floating. Across and down.
Value gaussian_blur(Value images, std::array<std::int64_t, 2> kernel_size = {3, 3},
                    std::array<double, 2> sigma = {1.0, 1.0});

struct SsimOptions {
  double max_val = 1.0;  // the largest value of a pixel
  std::int64_t filter_size = 11;
  double filter_sigma = 1.5;
  double k1 = 0.01, k2 = 0.03;
};
// (n): the structural similarity of images (Wang et al., 2004), 1 for equal ones, as the mean over windows and
// channels. Throws InvalidArgument when the shapes differ and for images smaller than the filter.
Value ssim(Value a, Value b, const SsimOptions& options = {});

}  // namespace keratin::ops::image
