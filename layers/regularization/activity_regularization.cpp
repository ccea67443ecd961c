#include "keratin/layers/regularization/activity_regularization.h"

#include "keratin/core/model/config_reader.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {
namespace {

class ActivityRegularizationLayer final : public LayerImpl {
 public:
  explicit ActivityRegularizationLayer(const ActivityRegularizationOptions& options)
      : LayerImpl("ActivityRegularization", options.name, options.trainable), l1_(options.l1), l2_(options.l2) {}

  Config config() const override { return LayerImpl::config().set("l1", l1_).set("l2", l2_); }

  bool supports_masking() const override { return true; }

  Value call(Value x, CallContext& context) override {
    x = op_support::to_floating(x);
    if (l1_ != 0 || l2_ != 0) detail::add_activity_loss(regularizers::L1L2(l1_, l2_), x, context);
    return x;
  }

 private:
  double l1_, l2_;
};

}  // namespace

ActivityRegularization::ActivityRegularization(const ActivityRegularizationOptions& options)
    : Layer(std::make_shared<ActivityRegularizationLayer>(options)) {}

Layer ActivityRegularization::from_config(ConfigReader& c) {
  c.ignore("activity_regularizer");  // Keras 3.0 writes the same once more
  return ActivityRegularization(
      {.l1 = c.number("l1", 0.0), .l2 = c.number("l2", 0.0), .name = c.name(), .trainable = c.trainable()});
}

}  // namespace keratin
