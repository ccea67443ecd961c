#include "keratin/layers/core/masking.h"

#include "keratin/core/model/config_reader.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class MaskingLayer final : public LayerImpl {
 public:
  explicit MaskingLayer(const MaskingOptions& options)
      : LayerImpl("Masking", options.name, options.trainable), mask_value_(options.mask_value) {}

  Config config() const override { return LayerImpl::config().set("mask_value", mask_value_); }

  bool supports_masking() const override { return true; }

  Value call(Value x, CallContext& context) override {
    const Value differs = ops::cast(ops::not_equal(x, mask_value_), DType::int32);
    const Value mask = ops::greater(ops::max(differs, {-1}), 0.0);
    context.set_mask(mask);
    return ops::where(ops::expand_dims(mask, -1), x, 0.0);
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    detail::require_rank_from(inputs[0], 2, "(n, ..., features)");
  }

 private:
  double mask_value_;
};

}  // namespace

Masking::Masking(const MaskingOptions& options) : Layer(std::make_shared<MaskingLayer>(options)) {}

Layer Masking::from_config(ConfigReader& c) {
  return Masking({.mask_value = c.number("mask_value", 0.0), .name = c.name(), .trainable = c.trainable()});
}

}  // namespace keratin
