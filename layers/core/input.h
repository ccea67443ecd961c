// Input: where data enters a model (keras.Input, keras.layers.InputLayer).
#pragma once

#include <optional>
#include <string>

#include "keratin/core/model/layer.h"

namespace keratin {

struct InputOptions {
  std::optional<std::int64_t> batch_size = {};  // unknown unless given
  DType dtype = DType::float32;
  std::string name = {};
};

// `shape` is that of one sample, without the batch axis; -1 is a size that may vary from call to call.
// As first element of a Sequential it tells the model its input shape; as a value it is what functional models begin
// with:
//   Input x({28, 28, 1});
//   Value y = Flatten()(x);
class Input : public Layer {
 public:
  // Throws InvalidArgument for sizes that are neither positive nor -1.
  explicit Input(const Shape& shape, const InputOptions& options = {});

  // The symbolic value of shape (batch, shape...); always the same one.
  Value value() const { return impl().symbolic_input(); }
  operator Value() const { return value(); }  // NOLINT(google-explicit-constructor): `Dense(10)(input)`
  static Layer from_config(ConfigReader& c);
};

}  // namespace keratin
