// UpSampling3D: larger volumes (keras.layers.UpSampling3D).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"
#include "keratin/layers/size3d.h"

namespace keratin {

// x: (n, d, h, w, c) -> y: (n, d·size.depth, h·size.height, w·size.width, c), by repeating voxels.
class UpSampling3D : public Layer {
 public:
  // Throws InvalidArgument for a size that is not positive.
  explicit UpSampling3D(Size3D size = 2, const LayerOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
