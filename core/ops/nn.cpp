#include "keratin/core/ops/nn.h"

#include <cmath>
#include <string>

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/detail/pick.h"
#include "keratin/core/ops/einsum.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/ops/softmax.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::ops {
namespace {

using namespace op_support;
using Reduce = Value (*)(Value, std::vector<int>, bool);

// Weights with the sizes of `axes` in a shape that broadcasts to x's.
Value along(std::string_view op, const Value& weights, const Value& x, const std::vector<int>& axes) {
  Shape shape(std::vector<std::int64_t>(static_cast<std::size_t>(x.rank()), 1)), expected;
  for (int axis : axes) {
    axis = normalize_axis(op, axis, x.rank());
    shape[axis] = x.shape()[axis];
    expected.push_back(x.shape()[axis]);
  }
  if (weights.shape() != expected) {
    throw InvalidArgument(std::string(op) + ": weights must have shape " + expected.to_string() + ", got " +
                          weights.shape().to_string());
  }
  return cast(reshape(weights, shape), x.dtype());
}

// One axis: the windows of an image are rows of windows in columns of windows.
Value adaptive(const Value& x, int axis, std::int64_t count, Reduce reduce) {
  const std::int64_t size = x.shape()[axis];
  if (size % count == 0) {
    const Shape before = x.shape().slice(0, axis), after = x.shape().slice(axis + 1, x.rank());
    return reduce(reshape(x, before.concat({count, size / count}).concat(after)), {axis + 1}, false);
  }
  std::vector<std::int64_t> begin(static_cast<std::size_t>(x.rank()), 0), sizes(begin.size(), -1);
  const auto at = static_cast<std::size_t>(axis);
  Values windows;
  for (std::int64_t i = 0; i < count; ++i) {
    begin[at] = i * size / count;
    sizes[at] = ((i + 1) * size + count - 1) / count - begin[at];
    windows.push_back(reduce(slice(x, begin, sizes), {axis}, true));
  }
  return concatenate(std::move(windows), axis);
}

Value adaptive_pool(std::string_view op, Value x, const std::vector<std::int64_t>& output_size, Reduce reduce) {
  const int spatial = static_cast<int>(output_size.size());
  bool fits = spatial > 0 && x.rank() == spatial + 2;
  for (int i = 0; fits && i < spatial; ++i) {
    fits = output_size[static_cast<std::size_t>(i)] >= 1 && x.shape()[i + 1] >= 1;  // known and not empty
  }
  if (!fits) {
    throw InvalidArgument(std::string(op) + ": expected shape (n, spatial axes..., c) of known sizes and a positive " +
                          "size for each spatial axis, got " + x.shape().to_string() + " and " + text_of(output_size));
  }
  x = to_floating(x);
  for (int i = 0; i < spatial; ++i) x = adaptive(x, i + 1, output_size[static_cast<std::size_t>(i)], reduce);
  return x;
}

}  // namespace

Value layer_normalization(Value x, Value gamma, Value beta, std::vector<int> axes, double epsilon) {
  x = to_floating(x);
  const Value centered = x - mean(x, axes, true);
  Value y = centered * rsqrt(mean(square(centered), axes, true) + epsilon);
  if (gamma) y = y * along("layer_normalization", gamma, x, axes);
  return beta ? y + along("layer_normalization", beta, x, axes) : y;
}

Value rms_normalization(Value x, Value scale, std::vector<int> axes, double epsilon) {
  x = to_floating(x);
  const Value y = x * rsqrt(mean(square(x), axes, true) + epsilon);
  return scale ? y * along("rms_normalization", scale, x, axes) : y;
}

Value batch_normalization(Value x, Value mean, Value variance, int axis, Value offset, Value scale, double epsilon) {
  x = to_floating(x);
  const auto of_axis = [&](const Value& weights) { return along("batch_normalization", weights, x, {axis}); };
  Value factor = rsqrt(of_axis(variance) + epsilon);
  if (scale) factor = factor * of_axis(scale);
  const Value y = (x - of_axis(mean)) * factor;
  return offset ? y + of_axis(offset) : y;
}

Value dot_product_attention(Value query, Value key, Value value, const DotProductAttentionOptions& options) {
  for (const Value& x : {query, key, value}) {
    if (x.rank() == 4) continue;
    throw InvalidArgument(
        "dot_product_attention: expected query, key and value of shape (n, time, heads, depth), got " +
        query.shape().to_string() + ", " + key.shape().to_string() + " and " + value.shape().to_string());
  }
  query = to_floating(query);
  const std::int64_t heads = query.shape()[2], depth = query.shape()[3];
  for (Value* x : {&key, &value}) {
    const std::int64_t own = x->shape()[2];
    if (own == heads) continue;
    if (own < 1 || heads % own != 0) {
      throw InvalidArgument("dot_product_attention: the " + std::to_string(heads) +
                            " heads of the query must be a multiple of the keys' and values', got " +
                            std::to_string(own));
    }
    *x = repeat(*x, heads / own, 2);
  }
  const double scale = options.scale != 0 ? options.scale : 1 / std::sqrt(static_cast<double>(depth));
  Value scores = einsum("btnh,bsnh->bnts", query, key) * scale;
  if (options.bias) scores = scores + options.bias;
  if (options.mask) scores = where(options.mask, scores, -1e30);
  if (options.is_causal) {
    const std::int64_t targets = query.shape()[1], sources = key.shape()[1];
    expect_known(Shape{targets, sources}, "dot_product_attention: the times");
    scores = where(greater_equal(iota({targets, 1}, 0), iota({1, sources}, 1)), scores, -1e30);
  }
  return einsum("bnts,bsnh->btnh", softmax(scores), value);
}

Value multi_hot(Value labels, std::int64_t classes) {
  const Value each = one_hot(labels, classes);
  return each.rank() > 1 ? max(each, {-2}) : each;
}

Value adaptive_average_pool(Value x, std::vector<std::int64_t> output_size) {
  return adaptive_pool("adaptive_average_pool", x, output_size, mean);
}
Value adaptive_max_pool(Value x, std::vector<std::int64_t> output_size) {
  return adaptive_pool("adaptive_max_pool", x, output_size, max);
}

Value depthwise_conv2d(Value x, Value kernel, Conv2DAttrs attrs) {
  const Shape& k = kernel.shape();
  if (k.rank() != 4 || !k.is_known()) {
    throw InvalidArgument("depthwise_conv2d: expected a kernel of shape (kh, kw, c, multiplier), got " + k.to_string());
  }
  attrs.groups = k[2];
  return conv2d(x, reshape(kernel, {k[0], k[1], 1, k[2] * k[3]}), attrs);
}

Value separable_conv2d(Value x, Value depthwise, Value pointwise, Conv2DAttrs attrs) {
  return conv2d(depthwise_conv2d(x, depthwise, attrs), pointwise);
}

}  // namespace keratin::ops
