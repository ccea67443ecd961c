#include "keratin/layers/core/identity.h"

#include "keratin/layers/detail/config_support.h"

namespace keratin {
namespace {

class IdentityLayer final : public LayerImpl {
 public:
  explicit IdentityLayer(const LayerOptions& options) : LayerImpl("Identity", options.name, options.trainable) {}

  bool supports_masking() const override { return true; }

  Value call(Value x, CallContext&) override { return x; }
};

}  // namespace

Identity::Identity(const LayerOptions& options) : Layer(std::make_shared<IdentityLayer>(options)) {}

Layer Identity::from_config(ConfigReader& c) { return Identity(detail::read_layer_options(c)); }

}  // namespace keratin
