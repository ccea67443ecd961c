// InputLayerImpl: the layer behind an Input, and behind the inputs of a model in its list of layers.
#pragma once

#include "keratin/core/model/layer.h"

namespace keratin {

class InputLayerImpl final : public LayerImpl {
 public:
  // A new input; `shape` includes the batch axis (-1 when unknown). `name` empty: "input_layer", "input_layer_1", ...
  InputLayerImpl(Shape shape, DType dtype, std::string name);
  // The layer of an existing input value.
  explicit InputLayerImpl(Value value);

  Config config() const override;
  Value symbolic_input() const override { return value_; }
  // The identity, so that a Sequential may begin with an Input.
  using LayerImpl::call;
  Value call(Value input, CallContext& context) override;

 protected:
  void check_inputs(std::span<const Shape> inputs) const override;

 private:
  Value value_;
};

}  // namespace keratin
