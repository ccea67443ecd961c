// GroupNormalization: mean 0 and variance 1 over groups of features of each sample (keras.layers.GroupNormalization).
#pragma once

#include <string>

#include "keratin/core/model/layer.h"

namespace keratin {

struct GroupNormalizationOptions {
  std::int64_t groups = 32;  // must divide the features; -1: as many as there are (instance normalisation)
  int axis = -1;             // of the features
  double epsilon = 1e-3;
  bool center = true;
  bool scale = true;
  Initializer beta_initializer = "zeros";
  Initializer gamma_initializer = "ones";
  Regularizer beta_regularizer = {};
  Regularizer gamma_regularizer = {};
  Constraint beta_constraint = {};
  Constraint gamma_constraint = {};
  std::string name = {};
  bool trainable = true;
};

// y = gamma·(x - mean) / sqrt(variance + epsilon) + beta, mean and (biased) variance over all of a sample that belongs
// to the group: some neighbouring features, at all places.
// x: (n, ...) -> y: the same.   Weights, of the size of `axis`: gamma (if scale), beta (if center).
class GroupNormalization : public Layer {
 public:
  // Throws InvalidArgument for groups that are neither positive nor -1 and for an epsilon that is not positive.
  explicit GroupNormalization(const GroupNormalizationOptions& options = {});
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
