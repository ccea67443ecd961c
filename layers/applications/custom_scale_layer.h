// CustomScaleLayer: a shortcut plus a scaled branch, as in InceptionResNetV2 (a layer of keras.applications).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"

namespace keratin {

// y = a + scale·b.   Two inputs whose shapes broadcast: CustomScaleLayer(0.17)({a, b}).
class CustomScaleLayer : public Layer {
 public:
  explicit CustomScaleLayer(double scale, const LayerOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
