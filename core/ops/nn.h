// What layers are made of, as functions: normalisations, attention, adaptive pooling, depthwise convolutions.
#pragma once

#include <vector>

#include "keratin/core/graph/node.h"
#include "keratin/core/ops/conv.h"

namespace keratin::ops {

// (x - mean) / sqrt(variance + epsilon) over `axes`, times gamma, plus beta; both, where given, with the sizes of these
// axes.
Value layer_normalization(Value x, Value gamma = {}, Value beta = {}, std::vector<int> axes = {-1},
                          double epsilon = 1e-7);
// x / sqrt(mean(x^2) + epsilon) over `axes`, times scale.
Value rms_normalization(Value x, Value scale = {}, std::vector<int> axes = {-1}, double epsilon = 1e-7);
// (x - mean) / sqrt(variance + epsilon) * scale + offset; all four with one element for each of `axis`.
Value batch_normalization(Value x, Value mean, Value variance, int axis = -1, Value offset = {}, Value scale = {},
                          double epsilon = 1e-3);

struct DotProductAttentionOptions {
  Value bias = {};         // added to the scores
  Value mask = {};         // bool: where a query may look at a key
  double scale = 0;        // of the scores; 0: 1 / sqrt(depth)
  bool is_causal = false;  // a query looks at no later key
};
// softmax(scale · query·key + bias)·value.   query: (n, t, heads, depth)   key, value: (n, s, heads, depth)
// Bias and mask broadcast to (n, heads, t, s). Keys may have fewer heads, each for equally many heads of the queries.
Value dot_product_attention(Value query, Value key, Value value, const DotProductAttentionOptions& options = {});

// bool-like numbers (0 or 1), float32, for each row of labels (..., how many): 1 for the classes that occur in it.
Value multi_hot(Value labels, std::int64_t classes);

// (n, spatial..., c) -> (n, output_size..., c): each element is the mean, or the largest, of its share of the input.
Value adaptive_average_pool(Value x, std::vector<std::int64_t> output_size);
Value adaptive_max_pool(Value x, std::vector<std::int64_t> output_size);

// x: (n, h, w, c)   kernel: (kh, kw, c, multiplier)   -> (n, oh, ow, c multiplier). attrs.groups is not looked at.
Value depthwise_conv2d(Value x, Value kernel, Conv2DAttrs attrs = {});
// The same, then a convolution with pointwise (1, 1, c multiplier, filters).
Value separable_conv2d(Value x, Value depthwise, Value pointwise, Conv2DAttrs attrs = {});

}  // namespace keratin::ops
