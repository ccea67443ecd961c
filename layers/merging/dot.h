// Dot: products of two inputs' vectors, sample by sample (keras.layers.Dot).
#pragma once

#include <string>

#include "keratin/core/model/layer.h"
#include "keratin/layers/axes.h"

namespace keratin {

struct DotOptions {
  bool normalize = false;  // divides the vectors by their lengths: the cosine of their angle
  std::string name = {};
  bool trainable = true;
};

// `axes`: which axis of both inputs holds the vectors, or {axis of the first, axis of the second}; not the batch.
// Dot(1)({a, b}): (n, d), (n, d) -> (n, 1);   Dot({2, 1})({a, b}): (n, p, d), (n, d, q) -> (n, p, q)
class Dot : public Layer {
 public:
  // Throws InvalidArgument unless `axes` is one or two axes.
  explicit Dot(const Axes& axes, const DotOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
