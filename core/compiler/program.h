// Program: what the compiler turns into a plan: values to compute and variables to change.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "keratin/core/graph/node.h"

namespace keratin {

struct Program {
  std::string name;
  Values inputs;                 // kInput values, in the order of the plan's inputs
  Values outputs;                // read by the host after a run
  std::vector<NodePtr> updates;  // nodes of ops with Effect::writes
  Values gradients;              // gradients of variables among the program's values, for the memory table

  // Outputs, gradients and the updates' values: where walks through the program start.
  std::vector<NodePtr> roots() const;
  std::string to_string() const;  // a line for each node and one for the outputs, for KERATIN_DUMP=trace
};

// Rebuilds a program node by node, inputs first. `replace` gets a node and its rebuilt inputs and returns what stands
// in for its outputs, or nothing to keep the node.
using Replace = std::function<Values(const NodePtr& node, const Values& inputs)>;
Program rewrite(const Program& program, const Replace& replace);

}  // namespace keratin
