#include "keratin/io/detail/legacy_weights.h"

#include <algorithm>
#include <set>

#include "keratin/core/tensor/errors.h"
#include "keratin/core/tensor/log.h"
#include "keratin/io/detail/keras_weights.h"
#include "keratin/io/detail/weight_match.h"

namespace keratin::detail {
namespace {

// What "keras_version" says: readers of old files look at it. The layout is that of every Keras 3.
constexpr const char* kWrittenAs = "3.0.0";

// Keras's order: what trains, then the rest, through all layers inside.
std::vector<Variable> legacy_order(const Layer& layer) {
  std::vector<Variable> result = layer.trainable_variables();
  for (const Variable& variable : layer.non_trainable_variables()) result.push_back(variable);
  return result;
}

void add_variables(const std::vector<Variable>& variables, H5Node& group) {
  std::vector<std::string> names;
  std::set<std::string> used;
  for (const Variable& variable : variables) {
    // Layers of two models inside the layer may have the same names.
    std::string name = variable.path();
    for (int i = 1; !used.insert(name).second; ++i) name = variable.path() + "_" + std::to_string(i);
    group.dataset(name, variable.value());
    names.push_back(name);
  }
  group.set_strings("weight_names", names);
}

std::string weights_path(const H5Node& root) { return root.find("model_weights") ? "model_weights" : ""; }

// The datasets of a layer's group, in order.
std::vector<std::string> weight_paths(const H5Node& root, const std::string& group) {
  const H5Node* node = root.find(group);
  if (!node || node->is_dataset) throw FileError("expected a group '" + group + "', found none");
  std::vector<std::string> paths;
  for (const std::string& name : node->strings("weight_names")) paths.push_back(joined(group, name));
  return paths;
}

struct FileLayer {
  std::string name;
  std::vector<std::string> paths;
};
std::vector<FileLayer> layers_with_weights(const H5Node& root) {
  const std::string path = weights_path(root);
  std::vector<FileLayer> result;
  for (const std::string& name : root.find(path)->strings("layer_names")) {
    FileLayer layer{name, weight_paths(root, joined(path, name))};
    if (!layer.paths.empty()) result.push_back(std::move(layer));
  }
  return result;
}

}  // namespace

void add_legacy_weights(const Model& model, H5Node& group) {
  require_weights(model);
  group.set_attribute("backend", "keratin");
  group.set_attribute("keras_version", kWrittenAs);
  std::vector<Layer> layers = model.layers();
  std::vector<std::string> names;
  for (const Layer& layer : layers) names.push_back(layer.name());
  group.set_strings("layer_names", names);
  std::sort(layers.begin(), layers.end(), [](const Layer& a, const Layer& b) { return a.name() < b.name(); });
  for (const Layer& layer : layers) add_variables(legacy_order(layer), group.group(layer.name()));
  // Weights of the model that belong to no layer: there are none.
  add_variables({}, group.group("top_level_model_weights"));
}

void add_legacy_optimizer(const Model& model, H5Node& root) {
  if (!model.compiled()) return;
  const Optimizer optimizer = model.optimizer();
  optimizer->build(model.trainable_variables());
  add_variables(optimizer->variables(), root.group("optimizer_weights"));
}

bool is_legacy(const H5Node& root) {
  const auto has_names = [](const H5Node& node) {
    return node.attribute("layer_names") || node.attribute("layer_names0");
  };
  if (has_names(root)) return true;
  const H5Node* inside = root.find("model_weights");
  return inside && has_names(*inside);
}

void load_legacy_weights(Model& model, H5Reader& reader, const std::string& file, bool by_name, bool with_optimizer) {
  require_weights(model);
  const H5Node& root = reader.root();
  Differences differences(file);
  std::vector<Assignment> assignments;
  std::vector<std::string> optimizer_paths;
  try {
    const std::vector<FileLayer> saved = layers_with_weights(root);
    std::vector<Layer> layers = model.layers();
    if (by_name) {
      for (const FileLayer& from : saved) {
        for (const Layer& layer : layers) {
          if (layer.name() != from.name) continue;
          match_variables(legacy_order(layer), from.paths, root, "layer '" + from.name + "'", assignments, differences);
        }
      }
    } else {
      std::erase_if(layers, [](const Layer& layer) { return layer.variables().empty(); });
      if (layers.size() != saved.size()) {
        differences.add("the file has " + std::to_string(saved.size()) + " layers with weights, the model " +
                        std::to_string(layers.size()));
      }
      for (std::size_t i = 0; i < layers.size() && i < saved.size(); ++i) {
        match_variables(legacy_order(layers[i]), saved[i].paths, root,
                        "layer '" + layers[i].name() + "' ('" + saved[i].name + "' in the file)", assignments,
                        differences);
      }
    }
    if (with_optimizer && root.find("optimizer_weights")) optimizer_paths = weight_paths(root, "optimizer_weights");
  } catch (const FileError& error) {
    error.rethrow_in(file);
  }
  differences.throw_if_any(model.name());
  const H5Value* version = root.attribute("keras_version");
  const auto* text = version ? std::get_if<std::string>(version) : nullptr;
  if (!optimizer_paths.empty() && model.compiled() && (!text || !text->starts_with("3"))) {
    // Keras 2 orders the variables of its optimizers in another way, which also changed between its versions.
    log(LogLevel::warning, file + ": the optimizer's state was written by Keras 2 and is not loaded.");
  } else {
    match_optimizer(model, optimizer_paths, root, file, assignments);
  }
  assign_all(assignments, reader);
}

}  // namespace keratin::detail
