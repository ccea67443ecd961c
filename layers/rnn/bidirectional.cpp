#include "keratin/layers/rnn/bidirectional.h"

#include <algorithm>

#include "keratin/core/model/registry.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/rnn_layer.h"

namespace keratin {
namespace {

using detail::RnnLayer;

RnnLayer& recurrent(const Layer& layer) {
  if (auto* rnn = layer ? dynamic_cast<RnnLayer*>(&layer.impl()) : nullptr) return *rnn;
  throw InvalidArgument("Bidirectional: expected a recurrent layer (SimpleRNN, LSTM, GRU or RNN), got " +
                        (layer ? layer.class_name() : "an empty Layer"));
}

// A layer like `layer` with new weights, whose name begins with `prefix`.
Layer copy_of(const Layer& layer, const std::string& prefix, bool backwards) {
  recurrent(layer);
  const Config from = layer.config();
  const std::string& name = layer.name();
  Config config(from.module(), from.class_name());
  for (const auto& [key, value] : from.entries()) {
    if (key == "name") {
      config.set(key, prefix + (name.starts_with(prefix) ? name.substr(prefix.size()) : name));
    } else {
      config.set(key, backwards && key == "go_backwards" ? ConfigValue(true) : value);
    }
  }
  return layer_from_config(config);
}

class BidirectionalLayer final : public LayerImpl {
 public:
  BidirectionalLayer(const Layer& layer, const BidirectionalOptions& options)
      : LayerImpl("Bidirectional", options.name, options.trainable),
        forward_(add_child("forward_layer", copy_of(layer, "forward_", false))),
        backward_(add_child("backward_layer",
                            options.backward_layer ? options.backward_layer : copy_of(layer, "backward_", true))),
        merge_mode_(options.merge_mode) {
    const std::vector<std::string> modes = {"concat", "sum", "mul", "ave", ""};
    if (std::find(modes.begin(), modes.end(), merge_mode_) == modes.end()) {
      throw InvalidArgument("Bidirectional: merge_mode must be 'concat', 'sum', 'mul', 'ave' or '', got '" +
                            merge_mode_ + "'" + did_you_mean(merge_mode_, modes));
    }
    const auto &f = recurrent(forward_).arguments(), &b = recurrent(backward_).arguments();
    if (f.go_backwards == b.go_backwards) {
      throw InvalidArgument("Bidirectional: one of the layers must have go_backwards, and the other one not");
    }
    if (f.return_sequences != b.return_sequences || f.return_state != b.return_state || f.stateful != b.stateful) {
      throw InvalidArgument(
          "Bidirectional: both layers must have the same return_sequences, return_state and stateful");
    }
    recurrent(forward_).set_zero_output_for_mask(f.return_sequences);
    recurrent(backward_).set_zero_output_for_mask(f.return_sequences);
    recurrent(backward_).flip_outputs();
  }

  Config config() const override {
    return LayerImpl::config()
        .set("merge_mode", merge_mode_.empty() ? ConfigValue() : ConfigValue(merge_mode_))
        .set("layer", forward_.config())
        .set("backward_layer", backward_.config());
  }

  CallForm call_form() const override { return CallForm::initial_state; }
  bool supports_masking() const override { return true; }

  using LayerImpl::call;
  Values call(std::span<const Value> inputs, CallContext& context) override {
    const auto states = static_cast<std::ptrdiff_t>(inputs.size() / 2);
    Values forward = {inputs[0]}, backward = {inputs[0]};
    forward.insert(forward.end(), inputs.begin() + 1, inputs.begin() + 1 + states);
    backward.insert(backward.end(), inputs.begin() + 1 + states, inputs.end());
    const Values y = forward_.call(forward), reversed = backward_.call(backward);
    Values outputs = merge(y[0], reversed[0]);
    const Value mask = recurrent(forward_).arguments().return_sequences ? context.mask() : Value();
    for (std::size_t i = 0; i < outputs.size(); ++i) context.set_mask(mask, static_cast<int>(i));
    outputs.insert(outputs.end(), y.begin() + 1, y.end());
    outputs.insert(outputs.end(), reversed.begin() + 1, reversed.end());
    return outputs;
  }

 protected:
  using LayerImpl::build;
  int input_count() const override { return -1; }
  void check_inputs(std::span<const Shape> inputs) const override {
    const std::size_t states = recurrent(forward_).state_count() + recurrent(backward_).state_count();
    if (inputs.size() == 1 || inputs.size() == 1 + states) return;
    throw InvalidArgument("expected the sequences, or the sequences and " + std::to_string(states) +
                          " initial states, got " + std::to_string(inputs.size()) + " inputs");
  }
  void build(std::span<const Shape> inputs) override {
    for (const Layer& layer : {forward_, backward_}) layer.impl().build_for(inputs.first(1));
  }

 private:
  Values merge(const Value& y, const Value& reversed) const {
    if (merge_mode_ == "concat") return {ops::concatenate({y, reversed})};
    if (merge_mode_ == "sum") return {y + reversed};
    if (merge_mode_ == "mul") return {y * reversed};
    if (merge_mode_ == "ave") return {(y + reversed) * 0.5};
    return {y, reversed};
  }

  Layer forward_, backward_;
  std::string merge_mode_;
};

}  // namespace

Bidirectional::Bidirectional(const Layer& layer, const BidirectionalOptions& options)
    : Layer(std::make_shared<BidirectionalLayer>(layer, options)) {}

Layer Bidirectional::from_config(ConfigReader& c) {
  const ConfigValue* mode = c.take("merge_mode");
  BidirectionalOptions options{.merge_mode = mode && mode->is_null() ? "" : c.text("merge_mode", "concat"),
                               .name = c.name(),
                               .trainable = c.trainable()};
  const Layer layer = detail::read_layer(c, "layer");
  const ConfigValue* backward = c.take("backward_layer");
  if (backward && !backward->is_null()) {
    options.backward_layer = detail::read_layer(c, "backward_layer");
    if (!options.backward_layer) return {};
  }
  return layer ? Bidirectional(layer, options) : Layer();
}

}  // namespace keratin
