#include "keratin/layers/normalization/layer_normalization.h"

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/scaled_normalization.h"

namespace keratin {
namespace {

class LayerNormalizationLayer final : public detail::ScaledNormalization<LayerNormalizationOptions> {
 public:
  explicit LayerNormalizationLayer(LayerNormalizationOptions options)
      : ScaledNormalization("LayerNormalization", std::move(options)) {}

  Config config() const override {
    Config config = LayerImpl::config();
    config.set("axis", options().axis.config());
    add_first_arguments(config);
    add_last_arguments(config);
    return config;
  }

  Value call(Value x, CallContext&) override {
    x = op_support::to_floating(x);
    const std::vector<int> axes = detail::resolve_axes(options().axis, x.shape());
    const Value centered = x - ops::mean(x, axes, true);
    return scaled(centered * ops::rsqrt(ops::mean(ops::square(centered), axes, true) + options().epsilon), axes);
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    const Shape& input = inputs[0];
    detail::require_rank_from(input, 2, "(n, ..., features)");
    for (int axis : detail::resolve_axes(options().axis, input)) {
      detail::require_size(input, axis, "elements on axis " + std::to_string(axis), kUnknown);
    }
    if (built() && features(input) != features(input_shapes()[0])) {
      throw InvalidArgument("it was built for inputs of shape " + input_shapes()[0].to_string() + ", got " +
                            input.to_string());
    }
  }

  void build(const Shape& input) override { add_gamma_and_beta(features(input)); }

 private:
  Shape features(const Shape& input) const {
    Shape result;
    for (int axis : detail::resolve_axes(options().axis, input)) result.push_back(input[axis]);
    return result;
  }
};

}  // namespace

LayerNormalization::LayerNormalization(LayerNormalizationOptions options)
    : Layer(std::make_shared<LayerNormalizationLayer>(std::move(options))) {}

Layer LayerNormalization::from_config(ConfigReader& c) {
  c.expect("rms_scaling", {false});
  auto options = detail::read_scaled_options<LayerNormalizationOptions>(c);
  options.axis = detail::read_axes(c, "axis", -1);
  return LayerNormalization(std::move(options));
}

}  // namespace keratin
