#include "keratin/core/compiler/detail/layer_log.h"

#include <algorithm>
#include <unordered_set>

#include "keratin/core/graph/leaves.h"

namespace keratin {

std::size_t LayerLog::begin(const Callable& layer, std::span<const Value> inputs) {
  std::string text;
  for (const Value& input : inputs) {
    text += (text.empty() ? "" : ", ") + input.spec().to_string() + " from " + source_of(input);
  }
  calls_.push_back({layer.name() + " (" + layer.class_name() + ")", std::move(text), "", depth_++});
  return calls_.size() - 1;
}

void LayerLog::end(std::size_t call, std::span<const Value> outputs) {
  --depth_;
  for (const Value& output : outputs) {
    calls_[call].outputs += (calls_[call].outputs.empty() ? "" : ", ") + output.spec().to_string();
    makers_[{output.node().get(), output.index()}] = call;
    kept_.push_back(output.node());
  }
}

// "#3", "input 'x0'", or for what ops compute in between: "add of #3, #5".
std::string LayerLog::source_of(const Value& value) const {
  const auto direct = [&](const Value& v) -> std::string {
    if (const auto found = makers_.find({v.node().get(), v.index()}); found != makers_.end()) {
      return "#" + std::to_string(found->second);
    }
    return v.node()->is(kInput) ? "input '" + v.node()->attrs_as<InputAttrs>().name + "'" : "";
  };
  if (std::string name = direct(value); !name.empty()) return name;
  std::vector<std::string> sources;
  std::unordered_set<const Node*> seen;
  std::vector<NodePtr> open = {value.node()};
  while (!open.empty()) {
    const NodePtr node = open.back();
    open.pop_back();
    if (!seen.insert(node.get()).second) continue;
    for (const Value& input : node->inputs()) {
      const std::string name = direct(input);
      if (name.empty()) {
        open.push_back(input.node());
      } else if (std::find(sources.begin(), sources.end(), name) == sources.end()) {
        sources.push_back(name);
      }
    }
  }
  const Node& last = *value.node();
  std::string result = last.is_op() ? std::string(last.op().name) : last.layer()->name();
  for (std::size_t i = 0; i < sources.size(); ++i) result += (i ? ", " : " of ") + sources[i];
  return result;
}

std::string LayerLog::to_string() const {
  std::string result;
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    const Call& call = calls_[i];
    result += "#" + std::to_string(i) + "  " + std::string(2 * call.depth, ' ') + call.layer + "  " + call.inputs +
              "  ->  " + call.outputs + "\n";
  }
  return result;
}

}  // namespace keratin
