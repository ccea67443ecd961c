#include "keratin/io/weights.h"

#include <map>
#include <set>

#include "keratin/core/model/naming.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/tensor/log.h"
#include "keratin/io/detail/hdf5_reader.h"
#include "keratin/io/detail/hdf5_writer.h"

namespace keratin {
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

std::string joined(const std::string& path, const std::string& name) { return path.empty() ? name : path + "/" + name; }

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
      group = to_snake_case(child.class_name());
      const int count = used[group]++;
      if (count > 0) group += "_" + std::to_string(count);
      group = "layers/" + group;
    }
    walk(child.impl(), joined(path, group), visited, stored);
  }
}

std::vector<Stored> stored_objects(const Model& model) {
  if (!model.built()) {
    throw InvalidArgument("the model '" + model.name() +
                          "' has no weights yet; begin it with an Input, build it, or train it first");
  }
  std::set<const LayerImpl*> visited;
  std::vector<Stored> stored;
  walk(model.impl(), "", visited, stored);
  return stored;
}

void check_path(const char* verb, const std::string& path) {
  if (!path.ends_with(".weights.h5")) {
    throw InvalidArgument(std::string(verb) + ": the path must end in '.weights.h5', got '" + path + "'");
  }
}

std::string dataset_path(const std::string& group, std::size_t index) {
  return joined(group, "vars/" + std::to_string(index));
}

std::string text_of(const Shape& shape, DType dtype) { return std::string(name_of(dtype)) + " " + shape.to_string(); }

// What the file and the model do not agree in.
class Differences {
 public:
  explicit Differences(std::string file) : file_(std::move(file)) {}
  void add(std::string text) { lines_.push_back(std::move(text)); }
  void throw_if_any(const std::string& model) const {
    if (lines_.empty()) return;
    std::string message = file_ + ": does not fit the model '" + model + "'";
    for (std::size_t i = 0; i < lines_.size() && i < kShown; ++i) message += (i == 0 ? ": " : "; ") + lines_[i];
    if (lines_.size() > kShown) message += "; and " + std::to_string(lines_.size() - kShown) + " more differences";
    throw FileError(message);
  }

 private:
  static constexpr std::size_t kShown = 12;
  std::string file_;
  std::vector<std::string> lines_;
};

std::size_t dataset_count(const detail::H5Node* group) {
  std::size_t count = 0;
  if (group) {
    for (const detail::H5Node& child : group->children) count += child.is_dataset ? 1 : 0;
  }
  return count;
}

// Groups of the file that hold variables no object of the model asks for.
void find_unused(const detail::H5Node& node, const std::string& path, const std::set<std::string>& expected,
                 Differences& differences) {
  for (const detail::H5Node& child : node.children) {
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

// Integers of another width and float64 are converted: Keras's backends differ in them.
bool convertible(DType from, DType to) { return from == to || is_floating(from) == is_floating(to); }

struct Assignment {
  Variable variable;
  std::string path;
};

void match(const Stored& object, const detail::H5Node& root, std::vector<Assignment>& assignments,
           Differences& differences) {
  const detail::H5Node* group = root.find(joined(object.path, "vars"));
  const std::size_t found = dataset_count(group);
  if (found != object.variables.size()) {
    differences.add("'" + object.path + "' (layer '" + object.name + "') has " + std::to_string(found) +
                    " variables in the file, " + std::to_string(object.variables.size()) + " in the model");
    return;
  }
  for (std::size_t i = 0; i < object.variables.size(); ++i) {
    const std::string path = dataset_path(object.path, i);
    const detail::H5Node* dataset = root.find(path);
    const Variable& variable = object.variables[i];
    if (!dataset || !dataset->is_dataset) {
      differences.add("'" + path + "' is missing in the file");
    } else if (dataset->is_text || dataset->shape != variable.shape() ||
               !convertible(dataset->dtype, variable.dtype())) {
      differences.add("'" + path + "' is " + (dataset->is_text ? "text" : text_of(dataset->shape, dataset->dtype)) +
                      " in the file, " + variable.path() + " is " + text_of(variable.shape(), variable.dtype()));
    } else {
      assignments.push_back({variable, path});
    }
  }
}

}  // namespace

void save_weights(const Model& model, const std::string& path) {
  check_path("save_weights", path);
  detail::H5Node root;
  for (const Stored& object : stored_objects(model)) {
    detail::H5Node& group = root.group(joined(object.path, "vars"));
    group.set_attribute("name", object.name);
    for (std::size_t i = 0; i < object.variables.size(); ++i) {
      root.dataset(dataset_path(object.path, i), object.variables[i].value());
    }
  }
  if (model.compiled()) {
    const Optimizer optimizer = model.optimizer();
    root.group("optimizer/vars").set_attribute("name", optimizer->name());
    const std::vector<Variable> variables = optimizer->variables();
    for (std::size_t i = 0; i < variables.size(); ++i) root.dataset(dataset_path("optimizer", i), variables[i].value());
  }
  detail::write_hdf5(path, root);
}

void load_weights(Model& model, const std::string& path) {
  check_path("load_weights", path);
  const std::vector<Stored> objects = stored_objects(model);
  detail::H5Reader reader(path);
  const detail::H5Node& root = reader.root();

  Differences differences(path);
  std::vector<Assignment> assignments;
  std::set<std::string> expected;
  for (const Stored& object : objects) {
    expected.insert(object.path);
    match(object, root, assignments, differences);
  }
  find_unused(root, "", expected, differences);
  differences.throw_if_any(model.name());

  if (model.compiled() && dataset_count(root.find("optimizer/vars")) > 0) {
    const Optimizer optimizer = model.optimizer();
    optimizer->build(model.trainable_variables());
    Differences of_optimizer(path);
    std::vector<Assignment> state;
    match({"optimizer", optimizer->name(), optimizer->variables()}, root, state, of_optimizer);
    try {
      of_optimizer.throw_if_any(model.name());
      assignments.insert(assignments.end(), state.begin(), state.end());
    } catch (const FileError& error) {
      // As Keras: weights are worth loading without the state of another optimizer.
      log(LogLevel::warning, std::string(error.what()) + ". The optimizer keeps its own state.");
    }
  }
  // Everything is read before anything is changed: a damaged file leaves the model as it was.
  std::vector<Tensor> values;
  for (const Assignment& assignment : assignments) {
    values.push_back(reader.load(assignment.path).astype(assignment.variable.dtype()));
  }
  for (std::size_t i = 0; i < assignments.size(); ++i) assignments[i].variable.assign(values[i]);
}

void Model::save_weights(const std::string& path) const { keratin::save_weights(*this, path); }
void Model::load_weights(const std::string& path) { keratin::load_weights(*this, path); }

}  // namespace keratin
