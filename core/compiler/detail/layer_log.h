// LayerLog: the layer calls of a trace, outer before inner, and where their inputs come from; for KERATIN_DUMP=layers.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "keratin/core/graph/node.h"

namespace keratin {

class LayerLog {
 public:
  // Returns the number of the call, which its `end` takes.
  std::size_t begin(const Callable& layer, std::span<const Value> inputs);
  void end(std::size_t call, std::span<const Value> outputs);

  bool empty() const { return calls_.empty(); }
  // A line for each call: its number, layer, class, inputs and outputs.
  std::string to_string() const;

 private:
  struct Call {
    std::string layer, inputs, outputs;
    std::size_t depth = 0;
  };
  std::string source_of(const Value& value) const;

  std::vector<Call> calls_;
  std::size_t depth_ = 0;
  // The call that made a value last: an outer call takes over what its inner ones return.
  std::map<std::pair<const Node*, int>, std::size_t> makers_;
  std::vector<NodePtr> kept_;  // the keys must stay alive
};

}  // namespace keratin
