// Bidirectional: a recurrent layer in both directions (keras.layers.Bidirectional).
#pragma once

#include <optional>
#include <string>

#include "keratin/core/model/layer.h"

namespace keratin {

struct BidirectionalOptions {
  // How the outputs are combined: "concat", "sum", "mul", "ave"; "": not at all, they are two outputs.
  std::string merge_mode = "concat";
  Layer backward_layer = {};  // by default one like `layer` that goes the other way
  std::string name = {};
  bool trainable = true;
};

// x: (n, time, features) -> y: (n, 2·units), or (n, time, 2·units) when the layer returns sequences: both in the order
// of x. With initial states, the first half is the forward layer's; with return_state the states of both follow.
// As in Keras the layers inside are new ones, called "forward_..." and "backward_...", made from the configuration of
// `layer`.
class Bidirectional : public Layer {
 public:
  // Throws InvalidArgument for a layer that is not recurrent, an unknown merge_mode, and layers that do not match.
  explicit Bidirectional(const Layer& layer, const BidirectionalOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
