// The models that are measured beside other libraries, and data for them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "keratin/keratin.h"

namespace keratin::benchmarks {

// mlp, cnn: the MNIST examples; wide: six dense layers of 1024; resnet20: the original residual network for 32x32x3;
// lstm: 128 units over sequences of 100 vectors of 32; huge: 52 million weights in 14 dense layers.
const std::vector<std::string>& model_names();
Model make_model(const std::string& name);

// Random bytes, n of the model's input, and labels (n) below ten, of the model's shape.
std::pair<Tensor, Tensor> random_data(const Model& model, std::int64_t n);

// Multiplications and additions for one sample: two for each weight of a dense layer, and for each weight of a
// convolution and place of its result, or of an LSTM and step of the sequence. Training: forward, and as much again for
// the gradients of the weights and of the input, which the first layer does not need. What else is computed does not
// count.
struct Flops {
  double forward = 0, training = 0;
};
Flops count_flops(const Model& model);

}  // namespace keratin::benchmarks
