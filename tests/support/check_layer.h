// check_layer: what every layer must do, for one configuration of it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "keratin/core/model/layer.h"

namespace keratin::testing {

struct CheckLayerOptions {
  Shape output;                           // for the input shapes given
  std::vector<std::string> weights = {};  // trained ones: "kernel (3, 4)"
  std::vector<std::string> state = {};    // the others: "moving_mean (4,)"
  DType dtype = DType::float64;           // of the inputs; integers are ids below `ids`
  std::int64_t ids = 0;
  bool phases_differ = false;   // whether training computes something else
  bool random = false;          // draws numbers in training: its gradient is not checked there
  Shape wrong = {};             // an input that must be refused ...
  std::string wrong_says = {};  // ... with this in the message, besides the layer's name and class
};

// Checks, on the reference backend: the output's shape with an unknown batch and with known sizes; names, shapes and
// trainability of the variables, and that freezing moves them; that predicting twice gives the same; in which phases
// results differ; gradients of inputs and weights against finite differences, in both phases; the refused input.
// `make` makes a new layer each time it is called.
void check_layer(const std::function<Layer()>& make, const std::vector<Shape>& inputs,
                 const CheckLayerOptions& options);

}  // namespace keratin::testing
