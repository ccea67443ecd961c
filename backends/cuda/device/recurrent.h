// The weights of recurrent layers between Keras's layout and cuDNN's weight space.
#pragma once

#include "keratin/backends/cuda/device/launch.h"

namespace keratin::cuda {

inline constexpr int kMaxGates = 4;

// Where the gates, in Keras's order, lie in a weight space of float32, in elements: a matrix (units, features) for x,
// one (units, units) for h, and a bias (units,) for each. Keras has them as columns of kernel (features, gates·units)
// and recurrent_kernel (units, gates·units), and as bias (biases, gates·units).
struct RecurrentWeights {
  i64 features = 0, units = 0;
  int gates = 0;
  int biases = 0;  // that Keras has: the first is added to the product with x, the second to that with h
  i64 kernel[kMaxGates] = {}, recurrent[kMaxGates] = {}, bias[2][kMaxGates] = {};
};

// Biases that Keras does not have are zeros in the space.
void pack_recurrent_weights(Stream stream, const RecurrentWeights& layout, const float* kernel, const float* recurrent,
                            const float* bias, float* space);
// The same way back, for gradients.
void unpack_recurrent_weights(Stream stream, const RecurrentWeights& layout, const float* space, float* kernel,
                              float* recurrent, float* bias);

}  // namespace keratin::cuda
