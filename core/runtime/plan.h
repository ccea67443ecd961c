// Plan: a program laid out for a device: steps in order and the place of every byte they touch.
#pragma once

#include <any>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "keratin/core/tensor/dtype.h"
#include "keratin/core/tensor/shape.h"
#include "keratin/core/tensor/tensor.h"
#include "keratin/core/tensor/variable_state.h"

namespace keratin {

enum class Region : std::uint8_t {
  state,    // variables; a slot's offset is its index in Plan::variables
  feed,     // inputs, outputs and constants of the plan; the host writes and reads it
  scratch,  // everything else; shared by the plans of a model, contents last for one run
};

struct Slot {
  Shape shape;
  DType dtype = DType::float32;
  Region region = Region::scratch;
  std::int64_t offset = 0;  // bytes from the region's start, a multiple of kSlotAlignment (state: see Region)
  std::int64_t bytes() const { return shape.size() * static_cast<std::int64_t>(size_of(dtype)); }
};

inline constexpr std::int64_t kSlotAlignment = 256;

// One kernel call. A step of an op that writes variables has them as outputs, and reads their old values there.
struct Step {
  std::string_view op;
  std::any attrs;
  std::vector<int> inputs, outputs;  // indices into Plan::slots
  std::string scope;                 // the layers the step comes from, e.g. "sequential/conv2d_1"
  std::string description;           // "matmul(transpose_a)": for logs and dumps
};

struct PlanConstant {
  int slot = 0;
  Tensor value;
};

struct Plan {
  std::string name;  // "train", "evaluate", "predict", "eager"
  std::vector<Slot> slots;
  std::vector<Step> steps;
  std::vector<VariablePtr> variables;
  std::vector<bool> variable_written;   // one for each variable
  std::vector<int> inputs, outputs;     // slots the host writes before, and reads after, a run
  std::vector<PlanConstant> constants;  // written once, when the plan is bound
  std::int64_t feed_bytes = 0, scratch_bytes = 0;
  std::int64_t gradient_bytes = 0;  // of the scratch: the gradients of variables, at their largest

  std::string to_string() const;  // a table of steps, for KERATIN_DUMP=plan
};

}  // namespace keratin
