// Activation functions (keras.activations), each a composition of ops. Defaults are Keras's.
#pragma once

#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/softmax.h"

namespace keratin::ops {

// f(x) = max_value if x >= max_value; x if x > threshold; negative_slope * (x - threshold) otherwise. max_value < 0:
// none.
Value relu_general(Value x, double negative_slope, double max_value, double threshold);
Value leaky_relu(Value x, double negative_slope = 0.2);
Value relu6(Value x);
Value elu(Value x, double alpha = 1.0);
Value selu(Value x);
Value celu(Value x, double alpha = 1.0);
Value softsign(Value x);
Value silu(Value x);
Value gelu(Value x, bool approximate = false);
Value hard_tanh(Value x);
Value hard_sigmoid(Value x);
Value hard_silu(Value x);
Value mish(Value x);
Value log_sigmoid(Value x);
// The first half of x along `axis` times the sigmoid of the second.
Value glu(Value x, int axis = -1);
Value squareplus(Value x, double b = 4);                           // (x + sqrt(x^2 + b)) / 2
Value tanh_shrink(Value x);                                        // x - tanh(x)
Value hard_shrink(Value x, double threshold = 0.5);                // x where |x| > threshold, else 0
Value soft_shrink(Value x, double threshold = 0.5);                // x moved towards 0 by threshold, at most to 0
Value threshold(Value x, double threshold, double default_value);  // x where x > threshold, else default_value
Value sparse_plus(Value x);                                        // 0 up to -1, x from 1 on, (x + 1)^2 / 4 between
Value sparse_sigmoid(Value x);                                     // 0 up to -1, 1 from 1 on, (x + 1) / 2 between
// max(x - t, 0) with the t for which the sum over `axis` is 1 (Martins and Astudillo, 2016).
Value sparsemax(Value x, int axis = -1);

}  // namespace keratin::ops
