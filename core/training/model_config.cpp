#include "keratin/core/training/model_config.h"

#include <algorithm>
#include <map>

#include "keratin/core/graph/leaves.h"
#include "keratin/core/model/detail/factory.h"
#include "keratin/core/model/input_layer.h"
#include "keratin/core/model/registry.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/training/detail/model_impl.h"

namespace keratin {
namespace {

// The arguments alone, as a plain dictionary.
Config dictionary(const Config& object) {
  Config result;
  for (const auto& [key, value] : object.entries()) result.set(key, value);
  return result;
}

// The layer calls of a model by layer, each in the order they were made: its index is what files refer to.
class Calls {
 public:
  explicit Calls(const ModelImpl& model) {
    for (const NodePtr& node : topological_order(model.outputs())) {
      if (!node->is_op()) calls_[node->layer().get()].push_back(node);
    }
    for (auto& [layer, nodes] : calls_) {
      std::sort(nodes.begin(), nodes.end(), [](const NodePtr& a, const NodePtr& b) { return a->id() < b->id(); });
    }
  }
  const std::vector<NodePtr>& of(const LayerImpl& layer) const {
    static const std::vector<NodePtr> none;
    const auto found = calls_.find(&layer);
    return found == calls_.end() ? none : found->second;
  }
  std::int64_t index(const Node& node) const {
    const std::vector<NodePtr>& nodes = calls_.at(node.layer().get());
    const auto found = std::find_if(nodes.begin(), nodes.end(), [&](const NodePtr& n) { return n.get() == &node; });
    return found - nodes.begin();
  }

 private:
  std::map<const Callable*, std::vector<NodePtr>> calls_;
};

class ModelWriter {
 public:
  ModelWriter(ConfigFormat format, ConfigProblems& problems) : format_(format), problems_(problems) {}

  Config write(const LayerImpl& layer) {
    Config object;
    const auto* model = dynamic_cast<const ModelImpl*>(&layer);
    const bool functional = model && layer.class_name() != "Sequential";
    const Config config = model ? arguments(*model) : checked_config(layer);
    if (format_ == ConfigFormat::keras) {
      object.set("module", functional ? "keras.src.models.functional" : model ? "keras" : config.module());
    }
    const std::string registered = config.registered_name();
    const bool by_registered_name = format_ == ConfigFormat::legacy && !registered.empty();
    const bool legacy = format_ == ConfigFormat::legacy;
    const std::string class_name = legacy ? detail::inner_class_name(layer.class_name()) : layer.class_name();
    object.set("class_name", by_registered_name ? registered : class_name);
    object.set("config", dictionary(config));
    if (format_ == ConfigFormat::keras) {
      if (functional) {
        object.set("registered_name", "Functional");
      } else {
        object.set("registered_name", registered.empty() ? ConfigValue() : ConfigValue(registered));
      }
      if (!model && !layer.symbolic_input() && layer.built() && layer.input_shapes().size() == 1) {
        object.set("build_config", Config().set("input_shape", batch_free(layer.input_shapes()[0])));
      }
    }
    return object;
  }

 private:
  static Shape batch_free(Shape shape) {
    if (shape.rank() > 0) shape[0] = kUnknown;
    return shape;
  }

  // What was written must be readable, or nobody could load the file.
  Config checked_config(const LayerImpl& layer) {
    const std::string where = "'" + layer.name() + "' (" + layer.class_name() + ")";
    if (!is_known_layer(layer)) {
      problems_.add(where, "the class is not known to files; register_layer makes it known");
      return layer.config();
    }
    Config config = layer.config();
    make_layer(config, problems_);
    return config;
  }

  Config arguments(const ModelImpl& model) {
    if (!model.has_graph()) {
      problems_.add("'" + model.name() + "' (" + model.class_name() + ")",
                    "the model has not been built; begin it with an Input, or call it first");
      return Config();
    }
    return model.class_name() == "Sequential" ? sequential(model) : functional(model);
  }

  Config sequential(const ModelImpl& model) {
    ConfigValue::List layers = {write(InputLayerImpl(model.inputs().front()))};
    for (const Layer& layer : model.layers()) layers.emplace_back(write(layer.impl()));
    Config config;
    config.set("name", model.name()).set("trainable", model.trainable()).set("dtype", "float32");
    return config.set("layers", std::move(layers)).set("build_input_shape", model.inputs().front().shape());
  }

  Config functional(const ModelImpl& model) {
    for (const NodePtr& node : topological_order(model.outputs())) {
      if (node->is_op() && !node->is(kInput)) {
        problems_.add("'" + model.name() + "' (Functional)", "the op '" + std::string(node->op().name) +
                                                                 "' is applied outside of a layer; use a layer for it");
      }
    }
    if (!problems_.empty()) return Config();
    const Calls calls(model);
    ConfigValue::List layers;
    for (const Layer& layer : model.layers()) {
      ConfigValue::List nodes;
      for (const NodePtr& node : calls.of(layer.impl())) nodes.emplace_back(call(*node, calls));
      Config entry = write(layer.impl());
      layers.emplace_back(entry.set("name", layer.name()).set("inbound_nodes", std::move(nodes)));
    }
    Config config;
    config.set("name", model.name()).set("trainable", model.trainable()).set("layers", std::move(layers));
    return config.set("input_layers", references(model.inputs(), calls))
        .set("output_layers", references(model.outputs(), calls));
  }

  // One call of a layer: its input, or a list of them, and what the caller overrode.
  static Config call(const Node& node, const Calls& calls) {
    ConfigValue::List inputs;
    for (const Value& input : node.inputs()) inputs.emplace_back(tensor(input, calls));
    const auto& options = node.attrs_as<CallOptions>();
    ConfigValue::List masks;  // are the last of the node's inputs
    for (auto mask = options.mask.rbegin(); mask != options.mask.rend(); ++mask) {
      masks.insert(masks.begin(), *mask ? inputs.back() : ConfigValue());
      if (*mask) inputs.pop_back();
    }
    const CallForm form = static_cast<const LayerImpl&>(*node.layer()).call_form();
    Config keywords;
    const bool one_input = inputs.size() == 1 || form == CallForm::initial_state;
    if (form == CallForm::initial_state && inputs.size() > 1) {
      keywords.set("initial_state", ConfigValue::List(inputs.begin() + 1, inputs.end()));
      inputs.resize(1);
    }
    if (form == CallForm::attention) {
      if (inputs.size() > 2) keywords.set("key", inputs[2]);
      if (inputs.size() > 3) keywords.set("attention_mask", inputs[3]);
      inputs.resize(2);
    }
    const bool apart = inputs.size() == 1 || form == CallForm::positional || form == CallForm::attention;
    const ConfigValue arguments = apart ? ConfigValue(inputs) : ConfigValue(ConfigValue::List{inputs});
    if (form == CallForm::attention) {
      constexpr const char* kMasks[] = {"query_mask", "value_mask", "key_mask"};
      for (std::size_t i = 0; i < masks.size() && i < std::size(kMasks); ++i) {
        if (!masks[i].is_null()) keywords.set(kMasks[i], masks[i]);
      }
    } else if (!masks.empty()) {
      keywords.set("mask", one_input ? masks[0] : ConfigValue(masks));
    }
    if (options.training) keywords.set("training", *options.training);
    if (options.use_causal_mask) keywords.set("use_causal_mask", true);
    if (options.return_attention_scores) keywords.set("return_attention_scores", true);
    if (options.reverse) keywords.set("reverse", true);
    return Config().set("args", arguments).set("kwargs", keywords);
  }

  static ConfigValue::List history(const Value& value, const Calls& calls) {
    const Node& node = *value.node();
    if (node.is_op()) return {node.attrs_as<InputAttrs>().name, 0, 0};
    return {node.layer()->name(), calls.index(node), value.index()};
  }

  static Config tensor(const Value& value, const Calls& calls) {
    Config arguments;
    arguments.set("shape", value.shape()).set("dtype", name_of(value.dtype()));
    arguments.set("keras_history", history(value, calls));
    return Config().set("class_name", "__keras_tensor__").set("config", arguments);
  }

  static ConfigValue::List references(const Values& values, const Calls& calls) {
    ConfigValue::List result;
    for (const Value& value : values) {
      ConfigValue::List reference = history(value, calls);
      const Node& node = *value.node();
      if (!node.is_op() && node.layer()->class_name() == "Functional") {
        // Keras counts the calls of a functional model from 1 here, but Keras 3.0 reads them from 0; 0 means the last
        // call to the others, so that it serves all when there is only one.
        const auto& layer = static_cast<const LayerImpl&>(*node.layer());
        if (calls.of(layer).size() > 1) reference[1] = calls.index(node) + 1;
      }
      result.emplace_back(std::move(reference));
    }
    return result;
  }

  ConfigFormat format_;
  ConfigProblems& problems_;
};

}  // namespace

Config model_config(const Model& model, ConfigFormat format) {
  ConfigProblems problems;
  Config config = ModelWriter(format, problems).write(model.impl());
  if (!problems.empty()) throw InvalidArgument("the model cannot be saved: " + problems.text());
  return config;
}

}  // namespace keratin
