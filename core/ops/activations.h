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

}  // namespace keratin::ops
