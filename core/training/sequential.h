// Sequential: a model that is a list of layers (keras.Sequential).
#pragma once

#include <initializer_list>
#include <vector>

#include "keratin/core/training/model.h"

namespace keratin {

class Sequential : public Model {
 public:
  Sequential();
  // Begins with an Input, or learns its input's shape from the first data or call.
  Sequential(std::initializer_list<Layer> layers, ModelOptions options = {});
  explicit Sequential(std::vector<Layer> layers, ModelOptions options = {});

  // Adds a layer at the end. Throws InvalidArgument when it does not fit the last one.
  void add(const Layer& layer);
  // Takes the last layer away. Throws InvalidArgument when there is none.
  void pop();
  // Makes the weights for inputs of this shape, which includes the batch axis (-1).
  using Layer::build;
};

}  // namespace keratin
