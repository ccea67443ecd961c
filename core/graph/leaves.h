// The ops a graph begins and ends with: inputs, constants, reads and assigns of variables.
#pragma once

#include <string>

#include "keratin/core/graph/node.h"

namespace keratin {

struct InputAttrs {
  std::string name;
  Spec spec;
};
extern const OpDef kInput;
// A value that is fed at run time. Every call makes a new one. Sizes may be unknown (-1).
Value input_value(std::string name, Spec spec);

struct ConstantAttrs {
  Tensor value;
  bool weak = false;  // a number literal: takes the dtype of its partner
  double number = 0;  // the literal in full precision, when weak
};
extern const OpDef kConstant;
Value constant(const Tensor& value);

struct ReadAttrs {
  VariablePtr variable;
};
extern const OpDef kRead;
// The variable's value at the start of the step.
Value read(const VariablePtr& variable);

struct AssignAttrs {
  VariablePtr variable;
};
extern const OpDef kAssign;
// The write of a value to a variable at the end of the step. Shapes and dtypes must agree.
NodePtr assign(const VariablePtr& variable, const Value& value);

// A float in the shortest form that reads back equal; for OpDef::describe.
std::string format_number(double number);

}  // namespace keratin
