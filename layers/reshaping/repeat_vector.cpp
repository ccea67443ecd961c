#include "keratin/layers/reshaping/repeat_vector.h"

#include "keratin/core/ops/shaping.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class RepeatVectorLayer final : public LayerImpl {
 public:
  RepeatVectorLayer(std::int64_t times, const LayerOptions& options)
      : LayerImpl("RepeatVector", options.name, options.trainable), times_(times) {
    detail::require_positive("RepeatVector", "n", times_);
  }

  Config config() const override { return LayerImpl::config().set("n", times_); }

  Value call(Value x, CallContext&) override {
    return ops::broadcast_to(ops::expand_dims(x, 1), {x.shape()[0], times_, x.shape()[1]});
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    detail::require_rank(inputs[0], 2, "(n, features)");
  }

 private:
  std::int64_t times_;
};

}  // namespace

RepeatVector::RepeatVector(std::int64_t times, const LayerOptions& options)
    : Layer(std::make_shared<RepeatVectorLayer>(times, options)) {}

Layer RepeatVector::from_config(ConfigReader& c) {
  const std::int64_t times = c.integer("n");
  return RepeatVector(times, detail::read_layer_options(c));
}

}  // namespace keratin
