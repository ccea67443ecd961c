// AdaptiveAveragePooling3D: the mean of each of a fixed number of windows (keras.layers.AdaptiveAveragePooling3D).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"
#include "keratin/layers/size3d.h"

namespace keratin {

// x: (n, d, h, w, c) -> y: (n, output_size..., c). Window i of `out` along an axis of `size` voxels reaches from
// floor(i·size / out) to before ceil((i + 1)·size / out).
class AdaptiveAveragePooling3D : public Layer {
 public:
  // Throws InvalidArgument for an output_size that is not positive.
  explicit AdaptiveAveragePooling3D(Size3D output_size, const LayerOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
