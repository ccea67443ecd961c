// Ops on the colours of images, (..., 3) with red, green and blue last: grey, and hue, saturation and value.
#pragma once

#include "keratin/core/graph/node.h"

namespace keratin::ops::image {

// (..., 3) -> (..., 1), floating: 0.2989 red + 0.587 green + 0.114 blue. What has one channel is grey already.
Value rgb_to_grayscale(Value images);
// Hue from 0 to 1, saturation from 0 to 1, and the largest of the three. Floating in and out.
Value rgb_to_hsv(Value images);
// The hue goes around: 1.25 is 0.25.
Value hsv_to_rgb(Value images);

}  // namespace keratin::ops::image
