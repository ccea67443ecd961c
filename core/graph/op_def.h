// OpDef: all there is to know about an op without a device: its name, shapes, gradient and definition by other ops.
#pragma once

#include <any>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "keratin/core/graph/value.h"
#include "keratin/core/tensor/variable_state.h"

namespace keratin {

enum class Effect {
  pure,    // same inputs, same outputs: may be merged, moved and dropped
  random,  // draws numbers: never merged
  writes,  // changes variables: a root of the plan, placed after the last read; its outputs are the written variables
};

// Ops are constants (`constinit const OpDef kMatMul`); backends find kernels by the name.
struct OpDef {
  std::string_view name;
  // The attributes as text, e.g. "transpose_a", with round-trip floats. Equal text means equal attributes.
  std::string (*describe)(const std::any& attrs) = nullptr;
  // Output specs for known input shapes. Throws InvalidArgument; the op's name is added by the caller.
  std::vector<Spec> (*infer)(const std::any& attrs, std::span<const Spec> inputs) = nullptr;
  // Gradients for the inputs, given those of the outputs (an empty Value where none flows in or out).
  Values (*gradient)(const Node& node, std::span<const Value> dy) = nullptr;
  // The same computation by other ops; what a backend without a kernel runs, and what a fused kernel is tested against.
  Values (*decompose)(const Node& node, std::span<const Value> inputs) = nullptr;
  Effect effect = Effect::pure;
  // For Effect::writes: the variables written, one for each output.
  std::vector<VariablePtr> (*written)(const std::any& attrs) = nullptr;
  // The output has the shape of input 0 and each element depends on the same element of it only: may be computed in
  // place.
  bool in_place = false;
};

}  // namespace keratin
