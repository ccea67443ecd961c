// ActivityRegularization: a penalty on what passes through (keras.layers.ActivityRegularization).
#pragma once

#include <string>

#include "keratin/core/model/layer.h"

namespace keratin {

struct ActivityRegularizationOptions {
  double l1 = 0.0;
  double l2 = 0.0;
  std::string name = {};
  bool trainable = true;
};

// y = x; the loss gets (l1·sum(|x|) + l2·sum(x²)) / n.   x: (n, ...), floating.
class ActivityRegularization : public Layer {
 public:
  explicit ActivityRegularization(const ActivityRegularizationOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
