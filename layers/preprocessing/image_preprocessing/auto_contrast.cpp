#include "keratin/layers/preprocessing/image_preprocessing/auto_contrast.h"

#include <algorithm>

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/layers/detail/layer_support.h"
#include "keratin/layers/detail/random_image_layer.h"

namespace keratin {
namespace {

class AutoContrastLayer final : public LayerImpl {
 public:
  explicit AutoContrastLayer(const AutoContrastOptions& options)
      : LayerImpl("AutoContrast", options.name, options.trainable), values_(options.value_range) {
    std::sort(values_.begin(), values_.end());
  }

  Config config() const override {
    return LayerImpl::config().set("data_format", "channels_last").set("value_range", values_);
  }

  Value call(Value images, CallContext&) override {
    const Value x = op_support::to_floating(images);
    const Value low = ops::min(x, {1, 2}, true), width = ops::max(x, {1, 2}, true) - low;
    const Value varied = ops::greater(width, 0.0);
    const Value part = (x - low) / ops::where(varied, width, 1.0);
    return ops::where(varied, part * (values_[1] - values_[0]) + values_[0], x);
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    detail::require_rank(inputs[0], 4, "(n, h, w, c)");
  }

 private:
  std::array<double, 2> values_;
};

}  // namespace

AutoContrast::AutoContrast(const AutoContrastOptions& options) : Layer(std::make_shared<AutoContrastLayer>(options)) {}

Layer AutoContrast::from_config(ConfigReader& c) {
  const RandomColorOptions common = detail::read_color_options(c);
  return AutoContrast({.value_range = common.value_range, .name = common.name, .trainable = common.trainable});
}

}  // namespace keratin
