#include "keratin/layers/detail/adaptive_pooling.h"

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin::detail {
namespace {

class AdaptivePoolingLayer final : public LayerImpl {
 public:
  AdaptivePoolingLayer(const std::string& class_name, Reduce reduce, Sizes output_size, const LayerOptions& options)
      : LayerImpl(class_name, options.name, options.trainable), reduce_(reduce), size_(std::move(output_size)) {
    require_positive(class_name, "output_size", size_);
  }

  Config config() const override {
    return LayerImpl::config().set("output_size", size_).set("data_format", "channels_last");
  }

  Value call(Value input, CallContext&) override {
    Value x = op_support::to_floating(input);
    for (std::size_t i = 0; i < size_.size(); ++i) x = pooled(x, static_cast<int>(i) + 1, size_[i]);
    return x;
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override { require_spatial_axes(inputs[0], size_.size()); }

 private:
  // One axis: the windows of an image are rows of windows in columns of windows.
  Value pooled(const Value& x, int axis, std::int64_t count) const {
    const std::int64_t size = x.shape()[axis];
    if (size % count == 0) {
      const Shape before = x.shape().slice(0, axis), after = x.shape().slice(axis + 1, x.rank());
      return reduce_(ops::reshape(x, before.concat({count, size / count}).concat(after)), {axis + 1}, false);
    }
    std::vector<std::int64_t> begin(static_cast<std::size_t>(x.rank()), 0), sizes(begin.size(), -1);
    const auto at = static_cast<std::size_t>(axis);
    Values windows;
    for (std::int64_t i = 0; i < count; ++i) {
      begin[at] = i * size / count;
      sizes[at] = ((i + 1) * size + count - 1) / count - begin[at];
      windows.push_back(reduce_(ops::slice(x, begin, sizes), {axis}, true));
    }
    return ops::concatenate(std::move(windows), axis);
  }

  Reduce reduce_;
  Sizes size_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_adaptive_pooling(const std::string& class_name, Reduce reduce, Sizes output_size,
                                                 const LayerOptions& options) {
  return std::make_shared<AdaptivePoolingLayer>(class_name, reduce, std::move(output_size), options);
}

}  // namespace keratin::detail
