// Normalization: mean 0 and variance 1 by fixed statistics of the data (keras.layers.Normalization).
#pragma once

#include <string>

#include "keratin/core/model/layer.h"
#include "keratin/core/training/data.h"
#include "keratin/layers/axes.h"

namespace keratin {

struct NormalizationOptions {
  // What has statistics of its own: -1, each feature; {}, nothing: one mean and variance for all (Keras's None).
  Axes axis = -1;
  // Both or none: without them adapt() computes them. Numbers for the axes named, one for all, or for the last ones.
  Tensor mean = {};
  Tensor variance = {};
  bool invert = false;  // y = mean + x·sqrt(variance): what the layer made of data becomes data again
  std::string name = {};
  bool trainable = true;
};

// y = (x - mean) / sqrt(variance), with a root of at least 1e-7.   x: any shape and dtype -> y: the same, floating.
// Weights, none of them trained, unless mean and variance were given: mean, variance (of the sizes of `axis`) and
// count, which old files have. Before adapt() the first two are 0 and 1.
class Normalization : public Layer {
 public:
  // Throws InvalidArgument for one of mean and variance without the other, for two of different shapes, and for more
  // axes than `axis` has.
  explicit Normalization(const NormalizationOptions& options = {});
  // A Normalization found in a model, to adapt it: Normalization(model.get_layer("normalization")). Throws
  // InvalidArgument for a layer of another class.
  explicit Normalization(const Layer& layer);
  static Layer from_config(ConfigReader& c);

  // Sets the statistics to those of the data, whose first axis is the batch. Builds the layer if it is not built.
  // Throws InvalidArgument when there is no data, when mean and variance were given, and for data of other sizes than
  // the layer was built for.
  void adapt(const Tensor& data);
  // The same for the first input of a data set; a generator is read to its end. Throws InvalidArgument also for a data
  // set with maps: adapt to the data before map().
  void adapt(const Dataset& data);
};

}  // namespace keratin
