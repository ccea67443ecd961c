// StochasticDepth: drops whole samples of a residual branch during training, as in ConvNeXt (a layer of
// keras.applications).
#pragma once

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"

namespace keratin {

// During training each sample of x becomes 0 with probability drop_path_rate, and is divided by 1 - drop_path_rate
// otherwise; else y = x.   x: (n, ...) -> y: the same.
class StochasticDepth : public Layer {
 public:
  // Throws InvalidArgument unless 0 <= drop_path_rate <= 1.
  explicit StochasticDepth(double drop_path_rate, const LayerOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
