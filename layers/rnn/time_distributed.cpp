#include "keratin/layers/rnn/time_distributed.h"

#include "keratin/core/compiler/trace.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/training/model_config.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class TimeDistributedLayer final : public LayerImpl {
 public:
  TimeDistributedLayer(const Layer& layer, const LayerOptions& options)
      : LayerImpl("TimeDistributed", options.name, options.trainable), layer_(add_child("layer", layer)) {
    layer_.impl();  // throws for an empty one
  }

  Config config() const override { return LayerImpl::config().set("layer", detail::layer_config(layer_)); }

  bool supports_masking() const override { return true; }

  using LayerImpl::call;
  Value call(Value x, CallContext& context) override {
    const std::int64_t n = x.shape()[0], time = x.shape()[1];
    const auto rows = [&](const Value& all) {
      return ops::reshape(all, Shape{n * time}.concat(all.shape().slice(2, all.rank())));
    };
    const Value each = rows(x), mask = context.mask();
    // What says more than which steps count is for the layer inside: it says which elements of a step do.
    if (mask && mask.rank() > 2) {
      context.trace().set_mask(each, rows(mask));
      context.set_mask({});
    }
    const Value y = layer_(each);
    return ops::reshape(y, Shape{n, time}.concat(y.shape().slice(1, y.rank())));
  }

 protected:
  using LayerImpl::build;
  void check_inputs(std::span<const Shape> inputs) const override {
    detail::require_rank_from(inputs[0], 3, "(n, time, ...)");
  }
  void build(const Shape& input) override {
    const Shape step = Shape{kUnknown}.concat(input.slice(2, input.rank()));
    layer_.impl().build_for(std::span<const Shape>(&step, 1));
  }

 private:
  Layer layer_;
};

}  // namespace

TimeDistributed::TimeDistributed(const Layer& layer, const LayerOptions& options)
    : Layer(std::make_shared<TimeDistributedLayer>(layer, options)) {}

Layer TimeDistributed::from_config(ConfigReader& c) {
  const LayerOptions options = detail::read_layer_options(c);
  const Layer layer = detail::read_layer(c, "layer");
  return layer ? TimeDistributed(layer, options) : Layer();
}

}  // namespace keratin
