#include "keratin/layers/detail/pooling2d_layer.h"

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin::detail {
namespace {

class Pooling2DLayer final : public LayerImpl {
 public:
  Pooling2DLayer(const std::string& class_name, Pool pool, Size2D pool_size, const Pooling2DOptions& options)
      : LayerImpl(class_name, options.name, options.trainable),
        pool_(pool),
        pool_size_(pool_size),
        strides_(options.strides == Size2D(0) ? pool_size : options.strides),
        padding_(options.padding) {
    require_positive(class_name, "pool_size", pool_size_);
    require_positive(class_name, "strides", strides_);
    require_padding_word(class_name, padding_);
  }

  Config config() const override {
    return LayerImpl::config()
        .set("pool_size", pool_size_.array())
        .set("padding", padding_)
        .set("strides", strides_.array())
        .set("data_format", "channels_last");
  }

  Value call(Value x, CallContext&) override {
    Pool2DAttrs attrs;
    attrs.window = pool_size_.array();
    attrs.strides = strides_.array();
    attrs.padding = resolve_padding(padding_, {x.shape()[1], x.shape()[2]}, attrs.window, attrs.strides);
    return pool_(op_support::to_floating(x), attrs);
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override { require_rank(inputs[0], 4, "(n, h, w, c)"); }

 private:
  Pool pool_;
  Size2D pool_size_, strides_;
  std::string padding_;
};

class GlobalPooling2DLayer final : public LayerImpl {
 public:
  GlobalPooling2DLayer(const std::string& class_name, Reduce reduce, const GlobalPooling2DOptions& options)
      : LayerImpl(class_name, options.name, options.trainable), reduce_(reduce), keepdims_(options.keepdims) {}

  Config config() const override {
    return LayerImpl::config().set("data_format", "channels_last").set("keepdims", keepdims_);
  }

  Value call(Value x, CallContext&) override { return reduce_(op_support::to_floating(x), {1, 2}, keepdims_); }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override { require_rank(inputs[0], 4, "(n, h, w, c)"); }

 private:
  Reduce reduce_;
  bool keepdims_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_pooling2d(const std::string& class_name, Pool pool, Size2D pool_size,
                                          const Pooling2DOptions& options) {
  return std::make_shared<Pooling2DLayer>(class_name, pool, pool_size, options);
}

std::shared_ptr<LayerImpl> make_global_pooling2d(const std::string& class_name, Reduce reduce,
                                                 const GlobalPooling2DOptions& options) {
  return std::make_shared<GlobalPooling2DLayer>(class_name, reduce, options);
}

Pooling2DOptions read_pooling2d_options(ConfigReader& c) {
  expect_channels_last(c);
  return {.strides = read_size2d(c, "strides", 0),
          .padding = c.text("padding", "valid"),
          .name = c.name(),
          .trainable = c.trainable()};
}

GlobalPooling2DOptions read_global_pooling2d_options(ConfigReader& c) {
  expect_channels_last(c);
  return {.keepdims = c.boolean("keepdims", false), .name = c.name(), .trainable = c.trainable()};
}

}  // namespace keratin::detail
