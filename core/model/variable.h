// Variable: a handle to a weight or any other state that lives longer than a step. Copies mean the same variable.
#pragma once

#include <memory>
#include <string>

#include "keratin/core/graph/value.h"
#include "keratin/core/model/constraints.h"
#include "keratin/core/model/initializers.h"
#include "keratin/core/model/regularizers.h"
#include "keratin/core/tensor/variable_state.h"

namespace keratin {

struct VariableOptions {
  Initializer initializer = "zeros";
  Regularizer regularizer = {};
  Constraint constraint = {};
  bool trainable = true;
  DType dtype = DType::float32;
};

class Variable {
 public:
  Variable();
  // Not inline: copied wherever users write a model.
  Variable(const Variable&);
  Variable(Variable&&) noexcept;
  Variable& operator=(const Variable&);
  Variable& operator=(Variable&&) noexcept;
  ~Variable();
  // `path`: "dense/kernel". The first values are made when they are first needed.
  Variable(std::string path, Shape shape, VariableOptions options = {});

  // The value at the start of the step, as part of a graph: `ops::matmul(x, kernel_)`.
  operator Value() const;  // NOLINT(google-explicit-constructor)

  explicit operator bool() const { return data_ != nullptr; }
  const std::string& path() const { return state()->path(); }
  // The path's last part: "kernel".
  std::string name() const;
  const Shape& shape() const { return state()->shape(); }
  DType dtype() const { return state()->dtype(); }
  // Current numbers, fetched from the device when they were trained there.
  Tensor value() const { return state()->value(); }
  // Throws InvalidArgument when shape or dtype differ.
  void assign(const Tensor& value) { state()->set_value(value); }

  bool trainable() const { return data_->trainable; }
  const Regularizer& regularizer() const { return data_->regularizer; }
  const Constraint& constraint() const { return data_->constraint; }
  // Throws InvalidArgument when the variable is empty.
  const VariablePtr& state() const;
  bool operator==(const Variable& other) const { return data_ == other.data_; }

 private:
  struct Data {
    VariablePtr state;
    Value read;
    bool trainable;
    Regularizer regularizer;
    Constraint constraint;
  };
  std::shared_ptr<const Data> data_;
};

}  // namespace keratin
