#include "keratin/layers/reshaping/flatten.h"

#include "keratin/core/ops/shaping.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class FlattenLayer final : public LayerImpl {
 public:
  explicit FlattenLayer(const LayerOptions& options) : LayerImpl("Flatten", options.name, options.trainable) {}

  Config config() const override { return LayerImpl::config().set("data_format", "channels_last"); }

  Value call(Value x, CallContext&) override { return ops::flatten(x); }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    detail::require_rank_from(inputs[0], 1, "(n, ...)");
  }
};

}  // namespace

Flatten::Flatten(const LayerOptions& options) : Layer(std::make_shared<FlattenLayer>(options)) {}

Layer Flatten::from_config(ConfigReader& c) {
  detail::expect_channels_last(c);
  return Flatten(detail::read_layer_options(c));
}

}  // namespace keratin
