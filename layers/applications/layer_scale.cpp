#include "keratin/layers/applications/layer_scale.h"

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class LayerScaleLayer final : public LayerImpl {
 public:
  LayerScaleLayer(double init_values, std::int64_t projection_dim, const LayerOptions& options)
      : LayerImpl("LayerScale", options.name, options.trainable),
        init_values_(init_values),
        projection_dim_(projection_dim) {
    detail::require_positive("LayerScale", "projection_dim", projection_dim);
  }

  Config config() const override {
    return detail::of_module("keras.src.applications.convnext", LayerImpl::config())
        .set("init_values", init_values_)
        .set("projection_dim", projection_dim_);
  }

  Value call(Value x, CallContext&) override { return op_support::to_floating(x) * gamma_; }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    detail::require_rank_from(inputs[0], 2, "(n, ..., c)");
    detail::require_size(inputs[0], -1, "channels", projection_dim_);
  }

  void build(const Shape&) override {
    gamma_ = add_weight("variable", {projection_dim_}, {.initializer = initializers::Constant(init_values_)});
  }

 private:
  double init_values_;
  std::int64_t projection_dim_;
  Variable gamma_;
};

}  // namespace

LayerScale::LayerScale(double init_values, std::int64_t projection_dim, const LayerOptions& options)
    : Layer(std::make_shared<LayerScaleLayer>(init_values, projection_dim, options)) {}

Layer LayerScale::from_config(ConfigReader& c) {
  const double init_values = c.number("init_values");
  const std::int64_t projection_dim = c.integer("projection_dim");
  return LayerScale(init_values, projection_dim, detail::read_layer_options(c));
}

}  // namespace keratin
