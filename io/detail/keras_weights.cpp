#include "keratin/io/detail/keras_weights.h"

#include <map>
#include <set>

#include "keratin/core/model/detail/factory.h"
#include "keratin/core/model/naming.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/tensor/log.h"
#include "keratin/io/detail/weight_match.h"

namespace keratin::detail {
namespace {

// An object with variables of its own, and the group its file keeps them in.
struct Stored {
  std::string path;  // "layers/conv2d_1"; "" for the model itself
  std::string name;  // the layer's own name, an attribute that readers ignore
  std::vector<Variable> variables;
};

// Keras's order: trainable variables, then the others, each in creation order.
std::vector<Variable> in_file_order(const std::vector<Variable>& variables) {
  std::vector<Variable> result;
  for (const bool trainable : {true, false}) {
    for (const Variable& variable : variables) {
      if (variable.trainable() == trainable) result.push_back(variable);
    }
  }
  return result;
}

// Walks a layer as keras/src/saving/saving_lib.py _save_state does. A layer met before is stored once.
void walk(const LayerImpl& layer, const std::string& path, std::set<const LayerImpl*>& visited,
          std::vector<Stored>& stored) {
  if (!visited.insert(&layer).second) return;
  stored.push_back({path, layer.name(), in_file_order(layer.own_variables())});
  // Layers of a model are named after their class and numbered; other children by what their owner calls them.
  std::map<std::string, int> used;
  for (const auto& [name, child] : layer.children()) {
    std::string group = name;
    if (layer.is_model()) {
      group = to_snake_case(inner_class_name(child.class_name()));
      const int count = used[group]++;
      if (count > 0) group += "_" + std::to_string(count);
      group = "layers/" + group;
    }
    walk(child.impl(), joined(path, group), visited, stored);
  }
}

std::vector<Stored> stored_objects(const Model& model) {
  require_weights(model);
  std::set<const LayerImpl*> visited;
  std::vector<Stored> stored;
  walk(model.impl(), "", visited, stored);
  return stored;
}

std::string dataset_path(const std::string& group, std::size_t index) {
  return joined(group, "vars/" + std::to_string(index));
}

std::size_t dataset_count(const H5Node* group) {
  std::size_t count = 0;
  if (group) {
    for (const H5Node& child : group->children) count += child.is_dataset ? 1 : 0;
  }
  return count;
}

std::vector<std::string> dataset_paths(const H5Node& root, const std::string& group) {
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < dataset_count(root.find(joined(group, "vars"))); ++i) {
    paths.push_back(dataset_path(group, i));
  }
  return paths;
}

// Groups of the file that hold variables no object of the model asks for.
void find_unused(const H5Node& node, const std::string& path, const std::set<std::string>& expected,
                 Differences& differences) {
  for (const H5Node& child : node.children) {
    if (child.is_dataset) continue;
    const std::string child_path = joined(path, child.name);
    if (child.name == "vars") {
      if (dataset_count(&child) > 0 && !expected.contains(path)) {
        differences.add("the file has " + std::to_string(dataset_count(&child)) + " variables in '" + path +
                        "', the model has no such layer");
      }
      continue;
    }
    if (path.empty() && child.name == "optimizer") continue;
    find_unused(child, child_path, expected, differences);
  }
}

}  // namespace

void require_weights(const Model& model) {
  if (model.built()) return;
  throw InvalidArgument("the model '" + model.name() +
                        "' has no weights yet; begin it with an Input, build it, or train it first");
}

H5Node keras_weights(const Model& model) {
  H5Node root;
  for (const Stored& object : stored_objects(model)) {
    H5Node& group = root.group(joined(object.path, "vars"));
    group.set_attribute("name", object.name);
    for (std::size_t i = 0; i < object.variables.size(); ++i) {
      root.dataset(dataset_path(object.path, i), object.variables[i].value());
    }
  }
  if (model.compiled()) {
    const Optimizer optimizer = model.optimizer();
    optimizer->build(
        model.trainable_variables());  // before the first step it has no slots yet, but readers expect them
    root.group("optimizer/vars").set_attribute("name", optimizer->name());
    const std::vector<Variable> variables = optimizer->variables();
    for (std::size_t i = 0; i < variables.size(); ++i) root.dataset(dataset_path("optimizer", i), variables[i].value());
  }
  return root;
}

void match_optimizer(const Model& model, const std::vector<std::string>& paths, const H5Node& root,
                     const std::string& file, std::vector<Assignment>& assignments) {
  if (!model.compiled() || paths.empty()) return;
  const Optimizer optimizer = model.optimizer();
  optimizer->build(model.trainable_variables());
  Differences differences(file);
  std::vector<Assignment> state;
  match_variables(optimizer->variables(), paths, root, "the optimizer '" + optimizer->name() + "'", state, differences);
  if (differences.empty()) {
    assignments.insert(assignments.end(), state.begin(), state.end());
  } else {
    // As Keras: weights are worth loading without the state of another optimizer.
    log(LogLevel::warning, differences.text(model.name()) + ". The optimizer keeps its own state.");
  }
}

void load_keras_weights(Model& model, H5Reader& reader, const std::string& file) {
  const std::vector<Stored> objects = stored_objects(model);
  const H5Node& root = reader.root();
  Differences differences(file);
  std::vector<Assignment> assignments;
  std::set<std::string> expected;
  for (const Stored& object : objects) {
    expected.insert(object.path);
    match_variables(object.variables, dataset_paths(root, object.path), root,
                    "'" + object.path + "' (layer '" + object.name + "')", assignments, differences);
  }
  find_unused(root, "", expected, differences);
  differences.throw_if_any(model.name());
  match_optimizer(model, dataset_paths(root, "optimizer"), root, file, assignments);
  assign_all(assignments, reader);
}

}  // namespace keratin::detail
