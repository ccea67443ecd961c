// Value: one output of a node. A graph is whatever is reachable from some values.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "keratin/core/graph/spec.h"
#include "keratin/core/tensor/tensor.h"

namespace keratin {

class Node;
using NodePtr = std::shared_ptr<const Node>;

class Value {
 public:
  Value();  // no value
  // Not inline: copied wherever users write a model.
  Value(const Value&);
  Value(Value&&) noexcept;
  Value& operator=(const Value&);
  Value& operator=(Value&&) noexcept;
  ~Value();
  Value(NodePtr node, int index) : node_(std::move(node)), index_(index) {}
  // A constant. Tensors may thus be handed to every function of ops:: and to layers.
  Value(const Tensor& tensor);  // NOLINT(google-explicit-constructor): constants are values
  // A scalar constant that takes the dtype of what it is combined with.
  Value(double number);  // NOLINT(google-explicit-constructor): `x * 2.0`

  const Spec& spec() const;
  const Shape& shape() const { return spec().shape; }
  DType dtype() const { return spec().dtype; }
  int rank() const { return shape().rank(); }

  const NodePtr& node() const { return node_; }
  int index() const { return index_; }
  explicit operator bool() const { return node_ != nullptr; }
  bool operator==(const Value&) const = default;

  // Computes the value now, on the current device. Throws InvalidArgument when it depends on an Input.
  // Defined in core/compiler/eager.cpp.
  Tensor tensor() const;
  operator Tensor() const { return tensor(); }  // NOLINT(google-explicit-constructor): `Tensor y = ops::matmul(a, b)`

 private:
  NodePtr node_;
  int index_ = 0;
};

using Values = std::vector<Value>;

}  // namespace keratin
