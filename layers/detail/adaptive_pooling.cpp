#include "keratin/layers/detail/adaptive_pooling.h"

#include "keratin/layers/detail/layer_support.h"

namespace keratin::detail {
namespace {

class AdaptivePoolingLayer final : public LayerImpl {
 public:
  AdaptivePoolingLayer(const std::string& class_name, AdaptivePool pool, Sizes output_size, const LayerOptions& options)
      : LayerImpl(class_name, options.name, options.trainable), pool_(pool), size_(std::move(output_size)) {
    require_positive(class_name, "output_size", size_);
  }

  Config config() const override {
    return LayerImpl::config().set("output_size", size_).set("data_format", "channels_last");
  }

  Value call(Value x, CallContext&) override { return pool_(x, size_); }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override { require_spatial_axes(inputs[0], size_.size()); }

 private:
  AdaptivePool pool_;
  Sizes size_;
};

}  // namespace

std::shared_ptr<LayerImpl> make_adaptive_pooling(const std::string& class_name, AdaptivePool pool, Sizes output_size,
                                                 const LayerOptions& options) {
  return std::make_shared<AdaptivePoolingLayer>(class_name, pool, std::move(output_size), options);
}

}  // namespace keratin::detail
