// ActivationFunction: an activation function by name, or any function of a Value. (Activation is the layer.)
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "keratin/core/graph/value.h"
#include "keratin/core/model/config.h"

namespace keratin {

class ActivationFunction {
 public:
  using Function = std::function<Value(const Value&)>;

  ActivationFunction();  // linear
  // Not inline: copied wherever users write a model.
  ActivationFunction(const ActivationFunction&);
  ActivationFunction(ActivationFunction&&) noexcept;
  ActivationFunction& operator=(const ActivationFunction&);
  ActivationFunction& operator=(ActivationFunction&&) noexcept;
  ~ActivationFunction();
  // One of keras.activations: "relu", "softmax", ... Throws InvalidArgument for an unknown name, with a suggestion.
  ActivationFunction(const char* name);         // NOLINT(google-explicit-constructor)
  ActivationFunction(const std::string& name);  // NOLINT(google-explicit-constructor)
  // A function of ops; `name` is what configurations and summaries show.
  ActivationFunction(Function function, std::string name);

  Value operator()(const Value& x) const;
  const std::string& name() const { return name_; }
  bool is_linear() const { return !function_; }

  // The names known.
  static std::vector<std::string> names();

 private:
  Function function_;
  std::string name_ = "linear";
};

}  // namespace keratin
