#include "keratin/layers/normalization/unit_normalization.h"

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class UnitNormalizationLayer final : public LayerImpl {
 public:
  explicit UnitNormalizationLayer(const UnitNormalizationOptions& options)
      : LayerImpl("UnitNormalization", options.name, options.trainable), axis_(options.axis) {}

  Config config() const override { return LayerImpl::config().set("axis", axis_.config()); }

  bool supports_masking() const override { return true; }

  Value call(Value x, CallContext&) override {
    x = op_support::to_floating(x);
    const Value squares = ops::sum(ops::square(x), detail::resolve_axes(axis_, x.shape()), true);
    return x * ops::rsqrt(ops::maximum(squares, 1e-24));
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override { detail::resolve_axes(axis_, inputs[0]); }

 private:
  Axes axis_;
};

}  // namespace

UnitNormalization::UnitNormalization(const UnitNormalizationOptions& options)
    : Layer(std::make_shared<UnitNormalizationLayer>(options)) {}

Layer UnitNormalization::from_config(ConfigReader& c) {
  return UnitNormalization({.axis = detail::read_axes(c, "axis", -1), .name = c.name(), .trainable = c.trainable()});
}

}  // namespace keratin
