#include "keratin/layers/core/identity.h"

namespace keratin {
namespace {

class IdentityLayer final : public LayerImpl {
 public:
  explicit IdentityLayer(const LayerOptions& options) : LayerImpl("Identity", options.name, options.trainable) {}

  Value call(Value x, CallContext&) override { return x; }
};

}  // namespace

Identity::Identity(const LayerOptions& options) : Layer(std::make_shared<IdentityLayer>(options)) {}

}  // namespace keratin
