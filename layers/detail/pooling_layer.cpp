#include "keratin/layers/detail/pooling_layer.h"

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/layers/detail/conv_nd.h"

namespace keratin::detail {
namespace {

class PoolingLayer final : public LayerImpl {
 public:
  PoolingLayer(const std::string& class_name, Pool pool, PoolingArguments arguments)
      : LayerImpl(class_name, arguments.name, arguments.trainable), pool_(pool), a_(std::move(arguments)) {
    require_positive(class_name, "pool_size", a_.pool_size);
    require_positive(class_name, "strides", a_.strides);
    require_padding_word(class_name, a_.padding);
  }

  Config config() const override {
    return LayerImpl::config()
        .set("pool_size", a_.pool_size)
        .set("padding", a_.padding)
        .set("strides", a_.strides)
        .set("data_format", "channels_last");
  }

  Value call(Value input, CallContext&) override {
    Value x = op_support::to_floating(input);
    const Shape in = x.shape(), spatial = in.slice(1, in.rank() - 1);
    const Sizes size(spatial.begin(), spatial.end());
    const Ends ends = resolve_ends(a_.padding, size, {a_.pool_size, a_.strides, Sizes(size.size(), 1)});
    if (size.size() == 1) x = ops::reshape(x, {in[0], 1, in[1], in[2]});
    // The first axis by itself, then the last two: the largest of the largest, and the mean of means over as many
    // elements each. An axis of size 1 fills up the two.
    std::int64_t planes = 1;
    if (size.size() == 3) {
      x = pooled(ops::reshape(x, {in[0], in[1], in[2] * in[3], in[4]}), ends, 0);
      planes = x.shape()[1];
      x = ops::reshape(x, {in[0] * planes, in[2], in[3], in[4]});
    }
    x = pooled(x, ends, 1);
    if (size.size() == 1) return ops::squeeze(x, 1);
    if (size.size() == 2) return x;
    return ops::reshape(x, Shape{in[0], planes}.concat(x.shape().slice(1, 4)));
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    require_spatial_axes(inputs[0], a_.pool_size.size());
    require_fit(a_.padding, inputs[0], {a_.pool_size, a_.strides, Sizes(a_.pool_size.size(), 1)});
  }

 private:
  // `part` 0: the first of three spatial axes, which is x's axis 1; 1: the others, x's axes 1 and 2.
  Value pooled(const Value& x, const Ends& ends, int part) const {
    Pool2DAttrs attrs{{1, 1}, {1, 1}, {}};
    const std::size_t axes = a_.pool_size.size();
    const auto take = [&](std::size_t axis, std::size_t to) {
      attrs.window[to] = a_.pool_size[axis];
      attrs.strides[to] = a_.strides[axis];
      attrs.padding.before[to] = ends.before[axis];
      attrs.padding.after[to] = ends.after[axis];
    };
    if (part == 0) {
      take(0, 0);
    } else {
      if (axes > 1) take(axes - 2, 0);
      take(axes - 1, 1);
    }
    return pool_(x, attrs);
  }

  Pool pool_;
  PoolingArguments a_;
};

class GlobalPoolingLayer final : public LayerImpl {
 public:
  GlobalPoolingLayer(const std::string& class_name, int axes, Reduce reduce, bool keepdims, const std::string& name,
                     bool trainable)
      : LayerImpl(class_name, name, trainable), axes_(axes), reduce_(reduce), keepdims_(keepdims) {}

  Config config() const override {
    return LayerImpl::config().set("data_format", "channels_last").set("keepdims", keepdims_);
  }

  // Of sequences with a mask, as in Keras: the mean of the steps that count.
  bool supports_masking() const override { return axes_ == 1 && reduce_ == static_cast<Reduce>(ops::mean); }

  Value call(Value input, CallContext& context) override {
    const Value x = op_support::to_floating(input);
    std::vector<int> axes;
    for (int axis = 1; axis <= axes_; ++axis) axes.push_back(axis);
    const Value mask = supports_masking() ? context.mask() : Value();
    if (!mask) return reduce_(x, axes, keepdims_);
    context.set_mask({});
    const Value counts = ops::expand_dims(ops::cast(mask, x.dtype()), -1);
    return ops::sum(x * counts, axes, keepdims_) / ops::sum(counts, axes, keepdims_);
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    require_spatial_axes(inputs[0], static_cast<std::size_t>(axes_));
  }

 private:
  int axes_;
  Reduce reduce_;
  bool keepdims_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_pooling(const std::string& class_name, Pool pool, PoolingArguments arguments) {
  return std::make_shared<PoolingLayer>(class_name, pool, std::move(arguments));
}

std::shared_ptr<LayerImpl> make_global_pooling(const std::string& class_name, int axes, Reduce reduce, bool keepdims,
                                               const std::string& name, bool trainable) {
  return std::make_shared<GlobalPoolingLayer>(class_name, axes, reduce, keepdims, name, trainable);
}

}  // namespace keratin::detail
