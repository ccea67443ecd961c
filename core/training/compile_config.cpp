// The arguments of compile() as configurations, and back.
#include <algorithm>

#include "keratin/core/model/config_variant.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/training/detail/model_impl.h"
#include "keratin/core/training/detail/trainer.h"
#include "keratin/core/training/model_config.h"
#include "keratin/core/training/registry.h"

namespace keratin {
namespace {

using List = ConfigValue::List;

ConfigValue written(const Loss& loss, ConfigProblems& problems) {
  if (loss.config().class_name().empty()) {
    problems.add("loss '" + loss.name() + "'", "a function of the program cannot be saved; see register_loss");
    return {};
  }
  make_loss(loss.config(), "loss '" + loss.name() + "'", problems);
  return loss.config();
}

ConfigValue written(const std::vector<Metric>& metrics, ConfigProblems& problems) {
  List result;
  for (const Metric& metric : metrics) {
    const ConfigValue config = metric.config();
    const std::string where = "metric '" + metric.name() + "'";
    if (config.is_null()) {
      problems.add(where, "a function of the program cannot be saved; see register_metric");
    } else {
      make_metric(config, where, problems);
    }
    result.push_back(config);
  }
  return result;
}

// One list for a model of one output, else a list of lists; null when there is nothing in them.
ConfigValue written(const std::vector<std::vector<Metric>>& metrics, ConfigProblems& problems) {
  const bool none = std::all_of(metrics.begin(), metrics.end(), [](const auto& list) { return list.empty(); });
  if (none) return {};
  if (metrics.size() == 1) return written(metrics[0], problems);
  List result;
  for (const std::vector<Metric>& each : metrics) result.push_back(written(each, problems));
  return result;
}

// A value for each output: one value, a list, or a dictionary with the outputs' names.
std::vector<ConfigValue> for_outputs(const ConfigValue& value, const ModelImpl& model, const char* key,
                                     ConfigProblems& problems) {
  const std::vector<std::string> names = model.output_names();
  const auto* object = std::get_if<ConfigValue::Object>(&value.variant());
  const bool dictionary = object && !(*object)->find("class_name") && (*object)->class_name().empty();
  if (dictionary) {
    std::vector<ConfigValue> result(names.size());
    for (const auto& [name, each] : (*object)->entries()) {
      const auto found = std::find(names.begin(), names.end(), name);
      if (found == names.end()) {
        problems.add(key, "the model has no output '" + name + "'");
      } else {
        result[static_cast<std::size_t>(found - names.begin())] = each;
      }
    }
    return result;
  }
  if (const auto* list = std::get_if<List>(&value.variant())) {
    if (list->size() == names.size()) return *list;
    problems.add(key, "expected " + std::to_string(names.size()) + " entries, got " + std::to_string(list->size()));
    return {};
  }
  return std::vector<ConfigValue>(names.size(), value);
}

std::vector<Metric> read_metrics(const ConfigValue& value, const char* key, ConfigProblems& problems) {
  std::vector<Metric> result;
  const auto* list = std::get_if<List>(&value.variant());
  const List entries = value.is_null() ? List{} : list ? *list : List{value};
  for (const ConfigValue& entry : entries) {
    if (entry.is_null()) continue;
    if (const auto metric = make_metric(entry, key, problems)) result.push_back(*metric);
  }
  return result;
}

// Metrics for each output. A flat list is for every output; lists and dictionaries hold one entry for each.
std::vector<std::vector<Metric>> read_output_metrics(const ConfigValue* value, const ModelImpl& model, const char* key,
                                                     ConfigProblems& problems) {
  const std::size_t outputs = model.outputs().size();
  std::vector<std::vector<Metric>> result(outputs);
  if (!value || value->is_null()) return result;
  const auto* list = std::get_if<List>(&value->variant());
  const bool flat = list && std::none_of(list->begin(), list->end(), [](const ConfigValue& entry) {
                      return std::holds_alternative<List>(entry.variant());
                    });
  if (flat && (outputs == 1 || list->size() != outputs)) {
    for (auto& each : result) each = read_metrics(*value, key, problems);
    return result;
  }
  const std::vector<ConfigValue> entries = for_outputs(*value, model, key, problems);
  for (std::size_t i = 0; i < outputs && i < entries.size(); ++i) result[i] = read_metrics(entries[i], key, problems);
  return result;
}

}  // namespace

ConfigValue compile_config(const Model& model, ConfigProblems& problems) {
  const Compiled& compiled = model.model_impl().trainer().required("save");
  const std::size_t before = problems.size();
  Config config;
  config.set("optimizer", compiled.optimizer->config());
  make_optimizer(compiled.optimizer->config(), "optimizer", problems);
  List losses;
  for (const Loss& loss : compiled.losses) losses.push_back(written(loss, problems));
  config.set("loss", losses.size() == 1 ? losses.front() : ConfigValue(losses));
  const bool weighted = std::any_of(compiled.loss_weights.begin(), compiled.loss_weights.end(),
                                    [](double weight) { return weight != 1; });
  config.set("loss_weights", weighted ? ConfigValue(compiled.loss_weights) : ConfigValue());
  config.set("metrics", written(compiled.metrics, problems));
  config.set("weighted_metrics", written(compiled.weighted_metrics, problems));
  config.set("run_eagerly", false).set("steps_per_execution", 1).set("jit_compile", "auto");
  return problems.size() == before ? ConfigValue(config) : ConfigValue();
}

void compile_from_config(Model& model, const ConfigValue& value, ConfigProblems& problems) {
  const auto* object = std::get_if<ConfigValue::Object>(&value.variant());
  if (!object) {
    problems.add("compile", "expected an object, got " + value.to_json().substr(0, 80));
    return;
  }
  const std::size_t before = problems.size();
  const ModelImpl& impl = model.model_impl();
  ConfigReader reader(**object, "compile", problems);
  // How Keras runs a step changes nothing about it. Keras 2's sample_weight_mode and auto_scale_loss neither.
  for (const char* key : {"run_eagerly", "steps_per_execution", "jit_compile", "sample_weight_mode", "auto_scale_loss"})
    reader.ignore(key);

  const ConfigValue* given = reader.take("optimizer");
  if (!given) given = reader.take("optimizer_config");  // of HDF5 files
  std::optional<Optimizer> optimizer;
  if (given) optimizer = make_optimizer(*given, "optimizer", problems);
  if (!given) problems.add("optimizer", "is missing");

  std::vector<Loss> losses;
  const ConfigValue* loss = reader.take("loss");
  for (const ConfigValue& each : for_outputs(loss ? *loss : ConfigValue(), impl, "loss", problems)) {
    if (const auto made = make_loss(each, "loss", problems)) losses.push_back(*made);
  }
  CompileArguments arguments;
  const ConfigValue* weights = reader.take("loss_weights");
  if (weights && !weights->is_null()) {
    for (const ConfigValue& each : for_outputs(*weights, impl, "loss_weights", problems)) {
      const auto* real = std::get_if<double>(&each.variant());
      const auto* whole = std::get_if<std::int64_t>(&each.variant());
      if (!real && !whole) problems.add("loss_weights", "expected numbers, got " + each.to_json());
      arguments.loss_weights.push_back(real ? *real : whole ? static_cast<double>(*whole) : 1.0);
    }
  }
  arguments.output_metrics = read_output_metrics(reader.take("metrics"), impl, "metrics", problems);
  const auto weighted = read_output_metrics(reader.take("weighted_metrics"), impl, "weighted_metrics", problems);
  if (!weighted.empty()) arguments.weighted_metrics = weighted.front();
  const auto names = [](const std::vector<Metric>& metrics) {
    std::string text;
    for (const Metric& metric : metrics) text += metric.config().to_json();
    return text;
  };
  for (const auto& each : weighted) {
    if (names(each) == names(arguments.weighted_metrics)) continue;
    problems.add("weighted_metrics", "different ones for different outputs are not supported");
    break;
  }
  reader.finish();
  if (problems.size() != before) return;
  try {
    model.compile(*optimizer, std::move(losses), std::move(arguments));
  } catch (const InvalidArgument& error) {
    problems.add("compile", error.what());
  }
}

void check_compile_config(const ConfigValue& value, ConfigProblems& problems) {
  // The names and objects in lists and dictionaries.
  const auto leaves = [](const ConfigValue& entry, const auto& self, const auto& visit) -> void {
    if (const auto* list = std::get_if<List>(&entry.variant())) {
      for (const ConfigValue& element : *list) self(element, self, visit);
    } else if (const auto* object = std::get_if<ConfigValue::Object>(&entry.variant());
               object && !(*object)->find("class_name")) {
      for (const auto& [key, element] : (*object)->entries()) self(element, self, visit);
    } else if (!entry.is_null()) {
      visit(entry);
    }
  };
  const auto* object = std::get_if<ConfigValue::Object>(&value.variant());
  if (!object) return;
  for (const auto& [key, entry] : (*object)->entries()) {
    if (key == "optimizer" || key == "optimizer_config") make_optimizer(entry, key, problems);
    if (key == "loss") leaves(entry, leaves, [&](const ConfigValue& leaf) { make_loss(leaf, "loss", problems); });
    if (key != "metrics" && key != "weighted_metrics") continue;
    leaves(entry, leaves, [&, where = key](const ConfigValue& leaf) { make_metric(leaf, where, problems); });
  }
}

}  // namespace keratin
