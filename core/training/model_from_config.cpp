// Models from configurations: first all layers, so that everything unsupported is found, then their calls.
#include <algorithm>
#include <deque>
#include <map>
#include <set>

#include "keratin/core/model/detail/factory.h"
#include "keratin/core/model/input_layer.h"
#include "keratin/core/model/registry.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/training/detail/config_access.h"
#include "keratin/core/training/detail/model_impl.h"
#include "keratin/core/training/detail/number_ops.h"
#include "keratin/core/training/model_config.h"
#include "keratin/core/training/sequential.h"

namespace keratin {
namespace {

using List = ConfigValue::List;

// A file with more is not one of a model; building it could take very long.
constexpr std::size_t kMostLayers = 20'000;
constexpr int kDeepestModel = 32;

// ["dense", 0, 0]: an output of a call of a layer.
struct Reference {
  std::string layer;
  std::int64_t call = 0, output = 0;
  auto operator<=>(const Reference&) const = default;
};
std::optional<Reference> read_reference(const ConfigValue& value) {
  const List* list = list_in(&value);
  if (!list || list->size() < 3) return std::nullopt;
  const std::string* name = text_in(&(*list)[0]);
  const auto* call = std::get_if<std::int64_t>(&(*list)[1].variant());
  const auto* output = std::get_if<std::int64_t>(&(*list)[2].variant());
  if (!name || !call || !output || *call < 0 || *output < 0) return std::nullopt;
  return Reference{*name, *call, *output};
}

struct CallData {
  std::vector<Reference> inputs;
  CallOptions options;
  std::map<std::string, Reference> named;  // arguments of attention layers
  std::map<std::string, Reference> masks;  // "mask", "mask 1", "query_mask", ...
};

// The arguments for the masks of the first inputs: of attention layers by name, of others in a list.
constexpr const char* kMaskNames[] = {"query_mask", "value_mask", "key_mask"};
std::string mask_name(std::size_t place) { return place == 0 ? "mask" : "mask " + std::to_string(place); }

// What Keras computes masks with. It writes these ops into functional models, where masks are values; here they come
// about by themselves. Files in Keras 2's layout do not say that they are ops: there layers' names are left alone.
bool is_mask_op(const ConfigValue& layer) {
  const std::string *module = text_in(entry(layer, "module")), *name = text_in(entry(layer, "class_name"));
  if (!name || (module && !module->starts_with("keras.src.ops."))) return false;
  if (*name == "Concatenate") return module;
  constexpr const char* kOps[] = {"NotEqual", "Any", "LogicalOr", "Squeeze", "ExpandDims", "OnesLike", "ZerosLike"};
  return std::find(std::begin(kOps), std::end(kOps), *name) != std::end(kOps);
}

class ModelReader {
 public:
  explicit ModelReader(ConfigProblems& problems) : problems_(problems) {}

  // A layer or a model.
  Layer read(const ConfigValue& config, int depth) {
    if (++layers_ == kMostLayers) problems_.add("the model", "it has more than 20000 layers");
    if (layers_ >= kMostLayers) return {};
    const auto object = detail::read_object(config);
    const bool own = object && object->registered_name.empty();
    if (own && object->class_name == "Sequential") return sequential(*object, config, depth);
    if (own && (object->class_name == "Functional" || object->class_name == "Model")) {
      return functional(*object, depth);
    }
    if (own && (object->class_name == "Lambda" || object->class_name == "TFOpLambda")) {
      problems_.add("'" + name_of(*object) + "' (" + object->class_name + ")",
                    "layers that hold code of a program are not loaded; use a class of your own and register_layer");
      return {};
    }
    return make_layer(config, problems_);
  }

 private:
  static std::string name_of(const detail::ObjectConfig& object) {
    const std::string* name = text_in(object.arguments.find("name"));
    return name ? *name : "";
  }
  static std::string where(const detail::ObjectConfig& object) {
    return "'" + name_of(object) + "' (" + object.class_name + ")";
  }
  static ModelOptions options(const detail::ObjectConfig& object) {
    const ConfigValue* trainable = object.arguments.find("trainable");
    const bool* flag = trainable ? std::get_if<bool>(&trainable->variant()) : nullptr;
    return {.name = name_of(object), .trainable = !flag || *flag};
  }

  bool too_deep(const detail::ObjectConfig& object, int depth) {
    if (depth < kDeepestModel) return false;
    problems_.add(where(object), "models are nested too deeply");
    return true;
  }

  // Whether anything is left over that Keratin does not know.
  void check_keys(const detail::ObjectConfig& object, std::initializer_list<const char*> known) {
    ConfigReader reader(object.arguments, where(object), problems_);
    for (const char* key : {"name", "layers", "batch_input_shape"}) reader.ignore(key);
    reader.trainable();
    for (const char* key : known) reader.ignore(key);
    reader.finish();
  }

  // ---- Sequential ----

  Layer sequential(const detail::ObjectConfig& object, const ConfigValue& config, int depth) {
    if (too_deep(object, depth)) return {};
    const std::size_t before = problems_.size();
    check_keys(object, {"build_input_shape"});
    const List* entries = list_in(object.arguments.find("layers"));
    if (!entries) {
      problems_.add(where(object), "expected a list of layers");
      return {};
    }
    std::vector<Layer> layers;
    for (const ConfigValue& each : *entries) layers.push_back(read(each, depth + 1));
    if (problems_.size() != before) return {};
    try {
      if (!layers.empty() && !layers[0].impl().symbolic_input() && !layers[0].impl().is_model()) {
        if (const auto shape = input_shape(object, config, *entries)) layers.insert(layers.begin(), input(*shape));
      }
      Sequential model(std::move(layers), options(object));
      return model;
    } catch (const InvalidArgument& error) {
      problems_.add(where(object), error.what());
      return {};
    }
  }

  // The input of a Sequential without InputLayer, with the batch: in one of the places it has had.
  std::optional<Shape> input_shape(const detail::ObjectConfig& object, const ConfigValue& config, const List& entries) {
    const ConfigValue* first = entry(entries.front(), "config");
    const ConfigValue* built = entry(config, "build_config");
    for (const ConfigValue* place :
         {first ? entry(*first, "batch_input_shape") : nullptr, object.arguments.find("build_input_shape"),
          built ? entry(*built, "input_shape") : nullptr}) {
      if (!list_in(place)) continue;
      Config holder;
      holder.set("shape", *place);
      return ConfigReader(holder, where(object), problems_).shape("shape");
    }
    return std::nullopt;
  }
  static Layer input(const Shape& batch_shape) {
    return Layer(std::make_shared<InputLayerImpl>(batch_shape, DType::float32, ""));
  }

  // ---- functional models ----

  struct LayerData {
    Layer layer;
    std::vector<CallData> calls;
    std::vector<Values> outputs;  // of the calls made so far
  };

  Layer functional(const detail::ObjectConfig& object, int depth) {
    if (too_deep(object, depth)) return {};
    const std::size_t before = problems_.size();
    check_keys(object, {"input_layers", "output_layers"});
    const List* entries = list_in(object.arguments.find("layers"));
    if (!entries) {
      problems_.add(where(object), "expected a list of layers");
      return {};
    }
    std::map<std::string, LayerData> layers;
    std::vector<std::string> order;
    bool keras_2 = false;
    std::set<std::string> mask_ops;
    for (const ConfigValue& each : *entries) {
      const std::string* op = text_in(entry(each, "name"));
      if (op && is_mask_op(each)) mask_ops.insert(*op);
    }
    for (const ConfigValue& written : *entries) {
      if (is_mask_op(written)) continue;
      const ConfigValue each = number_op_as_layer(written).value_or(written);
      LayerData data;
      data.layer = read(each, depth + 1);
      const std::string* name = text_in(entry(each, "name"));
      const std::string key = name ? *name : data.layer ? data.layer.name() : "";
      read_calls(each, "'" + key + "'", data.calls, keras_2);
      for (const CallData& call : data.calls) {
        for (const Reference& input : call.inputs) {
          if (!mask_ops.contains(input.layer)) continue;
          problems_.add("'" + input.layer + "'", "ops outside of layers are not supported");
        }
      }
      if (data.layer && data.layer.name() != key) problems_.add("'" + key + "'", "the layer has two names");
      if (!layers.emplace(key, std::move(data)).second) problems_.add("'" + key + "'", "two layers have this name");
      order.push_back(key);
    }
    check_masks(*entries, mask_ops, layers);
    if (problems_.size() != before) return {};
    try {
      connect(layers, order, keras_2);
      const Values inputs = resolve(object, "input_layers", layers, keras_2);
      const Values outputs = resolve(object, "output_layers", layers, keras_2);
      return Model(inputs, outputs, options(object));
    } catch (const InvalidArgument& error) {
      problems_.add(where(object), error.what());
      return {};
    }
  }

  // {"args": [tensor or list of tensors], "kwargs": {...}}, or Keras 2's [["dense", 0, 0, {...}], ...]
  void read_calls(const ConfigValue& layer, const std::string& name, std::vector<CallData>& calls, bool& keras_2) {
    const ConfigValue* nodes = entry(layer, "inbound_nodes");
    const List* list = list_in(nodes);
    if (!list) return;
    for (const ConfigValue& node : *list) {
      CallData call;
      if (const List* inputs = list_in(&node)) {
        keras_2 = true;
        // Keras 2 leaves out a level when there is one input only.
        const auto single = read_reference(node);
        for (const ConfigValue& input : single ? List{node} : *inputs) {
          const auto reference = read_reference(input);
          const List* parts = list_in(&input);
          if (!reference) {
            problems_.add(name, "expected [layer, call, output], got " + input.to_json().substr(0, 80));
            continue;
          }
          call.inputs.push_back(*reference);
          if (parts->size() > 3) read_keywords((*parts)[3], name, call);
        }
      } else {
        if (const ConfigValue* arguments = entry(node, "args")) read_tensors(*arguments, name, call, 0);
        if (const ConfigValue* keywords = entry(node, "kwargs")) read_keywords(*keywords, name, call);
      }
      place_named(call);
      calls.push_back(std::move(call));
    }
  }

  // Arguments by name come behind those by place; without a key the value is the key.
  static void place_named(CallData& call) {
    constexpr const char* kNames[] = {"query", "value", "key", "attention_mask"};
    for (std::size_t place = 0; place < std::size(kNames) && !call.named.empty(); ++place) {
      if (const auto found = call.named.find(kNames[place]); found != call.named.end()) {
        call.inputs.push_back(found->second);
        call.named.erase(found);
      } else if (place == 2 && call.inputs.size() == 2) {
        const Reference value = call.inputs[1];
        call.inputs.push_back(value);
      }
    }
  }

  static std::optional<Reference> tensor(const ConfigValue& value) {
    const ConfigValue* config = entry(value, "config");
    const ConfigValue* history = config ? entry(*config, "keras_history") : nullptr;
    return history ? read_reference(*history) : std::nullopt;
  }

  // A tensor, or lists of them.
  void read_tensors(const ConfigValue& value, const std::string& name, CallData& call, int depth) {
    const Config* object = object_in(&value);
    const ConfigValue* items = object ? object->find("items") : nullptr;  // of a "__tuple__"
    if (const List* list = list_in(items ? items : &value); list && depth < 4) {
      for (const ConfigValue& element : *list) read_tensors(element, name, call, depth + 1);
      return;
    }
    if (const auto reference = tensor(value)) {
      call.inputs.push_back(*reference);
    } else {
      problems_.add(name, "a call with the argument " + value.to_json().substr(0, 80) + " is not supported");
    }
  }

  void read_keywords(const ConfigValue& value, const std::string& name, CallData& call) {
    const Config* keywords = object_in(&value);
    if (!keywords) return;
    for (const auto& [key, argument] : keywords->entries()) {
      const bool* flag = std::get_if<bool>(&argument.variant());
      if (argument.is_null()) continue;
      if (key == "initial_state") {
        read_tensors(argument, name, call, 0);
        continue;
      }
      if (key == "mask" || (key.ends_with("_mask") && key != "attention_mask" && key != "use_causal_mask")) {
        const List* list = list_in(&argument);
        bool known = true;
        std::size_t place = 0;
        for (const ConfigValue& mask : list ? *list : List{argument}) {
          if (const auto reference = tensor(mask)) {
            call.masks.emplace(key == "mask" ? mask_name(place) : key, *reference);
          } else {
            known = known && mask.is_null();
          }
          ++place;
        }
        if (known) continue;
      }
      constexpr const char* kTensors[] = {"query", "value", "key", "attention_mask"};
      if (std::find(std::begin(kTensors), std::end(kTensors), key) != std::end(kTensors)) {
        if (const auto reference = tensor(argument)) {
          call.named.emplace(key, *reference);
          continue;
        }
      }
      if (key == "training" && flag) {
        call.options.training = *flag;
      } else if (key == "use_causal_mask" && flag) {
        call.options.use_causal_mask = *flag;
      } else if (key == "return_attention_scores" && flag) {
        call.options.return_attention_scores = *flag;
      } else if (key == "reverse" && flag) {
        call.options.reverse = *flag;
      } else {
        problems_.add(name, "the argument '" + key + "' of a call is not supported");
      }
    }
  }

  // Masks that are ops outside of layers are those that Masking and Embedding make, which need no op here: they go. An
  // op that belongs to none of these layers is a mask of the user's, which would be lost.
  void check_masks(const List& entries, const std::set<std::string>& mask_ops,
                   std::map<std::string, LayerData>& layers) {
    if (mask_ops.empty()) return;
    std::map<std::string, const ConfigValue*> ops;
    for (const ConfigValue& each : entries) {
      const std::string* name = text_in(entry(each, "name"));
      if (name && mask_ops.contains(*name)) ops.emplace(*name, &each);
    }
    std::set<Reference> sources;  // whose values layers make masks of
    for (const auto& [name, data] : layers) {
      if (!data.layer) continue;
      const Config config = data.layer.config();
      const ConfigValue* zero = config.find("mask_zero");
      const bool* masks_zero = zero ? std::get_if<bool>(&zero->variant()) : nullptr;
      const bool makes_masks = data.layer.class_name() == "Masking" || (masks_zero && *masks_zero) ||
                               data.layer.impl().is_model() || !data.layer.impl().children().empty();
      for (const CallData& call : data.calls) {
        if (makes_masks) sources.insert(call.inputs.begin(), call.inputs.end());
      }
    }
    for (auto& [name, data] : layers) {
      for (CallData& call : data.calls) {
        for (auto mask = call.masks.begin(); mask != call.masks.end();) {
          if (mask_ops.contains(mask->second.layer)) {
            check_mask_op(mask->second.layer, ops, sources);
            mask = call.masks.erase(mask);
          } else {
            ++mask;
          }
        }
      }
    }
  }

  // Looks at what the op computes its mask of; each op once.
  void check_mask_op(const std::string& name, std::map<std::string, const ConfigValue*>& ops,
                     const std::set<Reference>& sources) {
    std::vector<std::string> left = {name};
    while (!left.empty()) {
      const auto found = ops.find(left.back());
      left.pop_back();
      if (found == ops.end()) continue;
      const ConfigValue& op = *found->second;
      const std::string op_name = found->first, *kind = text_in(entry(op, "class_name"));
      ops.erase(found);
      std::vector<CallData> calls;
      bool keras_2 = false;
      ConfigProblems ignored;  // numbers among the arguments
      std::swap(problems_, ignored);
      read_calls(op, op_name, calls, keras_2);
      std::swap(problems_, ignored);
      for (const CallData& call : calls) {
        for (const Reference& input : call.inputs) {
          if (ops.contains(input.layer)) {
            left.push_back(input.layer);
          } else if (kind && *kind == "NotEqual" && !sources.contains(input)) {
            problems_.add("'" + op_name + "'",
                          "a mask that an op outside of layers computes is not supported; use Masking, mask_zero of an "
                          "Embedding, or an Input for it");
          }
        }
      }
    }
  }

  // The place of the input that a mask is for.
  static std::size_t mask_place(const std::string& name, std::size_t inputs) {
    for (std::size_t place = 0; place < inputs; ++place) {
      if (name == mask_name(place) || (place < std::size(kMaskNames) && name == kMaskNames[place])) return place;
    }
    throw InvalidArgument("the argument '" + name + "' of a call with " + std::to_string(inputs) +
                          (inputs == 1 ? " input" : " inputs") + " is not supported");
  }

  // Makes the calls, each as soon as its inputs are there. The calls of one layer keep their order.
  static void connect(std::map<std::string, LayerData>& layers, const std::vector<std::string>& order, bool keras_2) {
    std::map<std::string, std::vector<std::string>> waiting;  // by the layer whose next call they wait for
    std::deque<std::string> ready;
    for (const std::string& name : order) {
      LayerData& data = layers.at(name);
      if (const Value value = data.layer.impl().symbolic_input()) data.outputs.push_back({value});
      ready.push_back(name);
    }
    while (!ready.empty()) {
      const std::string name = ready.front();
      ready.pop_front();
      LayerData& data = layers.at(name);
      const std::size_t inputs_made = data.layer.impl().symbolic_input() ? 1 : 0;
      while (data.outputs.size() - inputs_made < data.calls.size()) {
        const CallData& call = data.calls[data.outputs.size() - inputs_made];
        Values inputs;
        std::vector<Reference> references = call.inputs;
        for (const auto& [argument, mask] : call.masks) references.push_back(mask);
        for (const Reference& reference : references) {
          LayerData& source = find(layers, reference.layer);
          const std::int64_t index = call_index(reference.call, source, keras_2);
          if (index >= static_cast<std::int64_t>(source.outputs.size())) {
            waiting[reference.layer].push_back(name);
            break;
          }
          inputs.push_back(output_of(source, index, reference));
        }
        if (inputs.size() != references.size()) break;
        CallOptions options = call.options;
        if (options.training == true && data.layer.impl().trains_by_default()) options.training.reset();
        auto mask = inputs.begin() + static_cast<std::ptrdiff_t>(call.inputs.size());
        for (const auto& [argument, reference] : call.masks) {
          const std::size_t place = mask_place(argument, call.inputs.size());
          if (options.mask.size() <= place) options.mask.resize(place + 1);
          options.mask[place] = *mask++;
        }
        inputs.resize(call.inputs.size());
        data.outputs.push_back(data.layer.impl()(inputs, options));
        const auto found = waiting.find(name);
        if (found == waiting.end()) continue;
        ready.insert(ready.end(), found->second.begin(), found->second.end());
        waiting.erase(found);
      }
    }
    for (const auto& [name, data] : layers) {
      const std::size_t inputs_made = data.layer.impl().symbolic_input() ? 1 : 0;
      if (data.outputs.size() - inputs_made == data.calls.size()) continue;
      throw InvalidArgument("layer '" + name + "' is called on values that do not exist, or that depend on themselves");
    }
  }

  static LayerData& find(std::map<std::string, LayerData>& layers, const std::string& name) {
    const auto found = layers.find(name);
    if (found == layers.end()) throw InvalidArgument("a call refers to the layer '" + name + "', which is not there");
    return found->second;
  }
  // Keras 2 counts the calls of a model inside a model from 1.
  static std::int64_t call_index(std::int64_t index, const LayerData& source, bool keras_2) {
    return keras_2 && source.layer.impl().is_model() && index > 0 ? index - 1 : index;
  }
  static const Value& output_of(const LayerData& source, std::int64_t index, const Reference& reference) {
    const Values& outputs = source.outputs[static_cast<std::size_t>(index)];
    if (reference.output >= static_cast<std::int64_t>(outputs.size())) {
      throw InvalidArgument("layer '" + reference.layer + "' has no output " + std::to_string(reference.output));
    }
    return outputs[static_cast<std::size_t>(reference.output)];
  }

  // input_layers or output_layers: one reference, or a list of them, or a dictionary of them (Keras sorts its keys).
  static Values resolve(const detail::ObjectConfig& object, const char* key, std::map<std::string, LayerData>& layers,
                        bool keras_2) {
    const ConfigValue* value = object.arguments.find(key);
    List references;
    if (value && read_reference(*value)) {
      references.push_back(*value);
    } else if (const Config* named = object_in(value)) {
      std::map<std::string, ConfigValue> sorted;
      for (const auto& [name, reference] : named->entries()) sorted.emplace(name, reference);
      for (const auto& [name, reference] : sorted) references.push_back(reference);
    } else if (const List* list = list_in(value)) {
      references = *list;
    }
    Values result;
    for (const ConfigValue& each : references) {
      const auto reference = read_reference(each);
      if (!reference) throw InvalidArgument(std::string(key) + ": expected [layer, call, output]");
      LayerData& source = find(layers, reference->layer);
      std::int64_t index = call_index(reference->call, source, keras_2);
      // Keras 3 counts from 1 here, for functional models only; 0 is the last call to it.
      const bool counted_from_1 = !keras_2 && source.layer.class_name() == "Functional";
      if (counted_from_1) index = index > 0 ? index - 1 : static_cast<std::int64_t>(source.outputs.size()) - 1;
      if (index < 0 || index >= static_cast<std::int64_t>(source.outputs.size())) {
        throw InvalidArgument(std::string(key) + ": layer '" + reference->layer + "' has no call " +
                              std::to_string(reference->call));
      }
      result.push_back(output_of(source, index, *reference));
    }
    return result;
  }

  ConfigProblems& problems_;
  std::size_t layers_ = 0;
};

}  // namespace

Model model_from_config(const ConfigValue& config, ConfigProblems& problems) {
  const std::size_t before = problems.size();
  const Layer layer = ModelReader(problems).read(config, 0);
  if (problems.size() != before || !layer) return {};
  const auto impl = std::dynamic_pointer_cast<ModelImpl>(layer.pointer());
  if (impl && impl->has_graph()) return Model(impl);
  problems.add("'" + layer.name() + "' (" + layer.class_name() + ")",
               impl ? "the shape of its input is not known" : "this is a layer, not a model");
  return {};
}

}  // namespace keratin
