// RnnLayer: the loop over time that all recurrent layers are.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "keratin/layers/detail/recurrent_cell.h"

namespace keratin::detail {

struct RnnArguments {
  bool return_sequences = false, return_state = false, go_backwards = false, stateful = false, unroll = false;
  bool zero_output_for_mask = false;
  Regularizer activity_regularizer = {};
  std::string name = {};
  bool trainable = true;
};
template <class Options>
RnnArguments rnn_arguments(const Options& o) {
  RnnArguments a{.return_sequences = o.return_sequences,
                 .return_state = o.return_state,
                 .go_backwards = o.go_backwards,
                 .stateful = o.stateful,
                 .activity_regularizer = o.activity_regularizer,
                 .name = o.name,
                 .trainable = o.trainable};
  if constexpr (requires { o.unroll; }) a.unroll = o.unroll;
  if constexpr (requires { o.zero_output_for_mask; }) a.zero_output_for_mask = o.zero_output_for_mask;
  return a;
}

class RnnLayer final : public LayerImpl {
 public:
  // `whole_cell`: the configuration has the cell as an object; otherwise the cell's arguments are the layer's.
  RnnLayer(const std::string& class_name, std::shared_ptr<RecurrentCell> cell, RnnArguments arguments, bool whole_cell);

  Config config() const override;
  const RnnArguments& arguments() const { return arguments_; }
  std::size_t state_count() const { return cell_->state_sizes().size(); }

  // For Bidirectional: outputs of masked steps are zeros; the outputs come in the other order than they would.
  void set_zero_output_for_mask(bool zero) { arguments_.zero_output_for_mask = zero; }
  void flip_outputs() { flipped_ = true; }

  CallForm call_form() const override { return CallForm::initial_state; }
  bool supports_masking() const override { return true; }
  void reset_state() override;

  using LayerImpl::call;
  Values call(std::span<const Value> inputs, CallContext& context) override;

 protected:
  using LayerImpl::build;
  void build(std::span<const Shape> inputs) override;
  void check_inputs(std::span<const Shape> inputs) const override;
  int input_count() const override { return -1; }

 private:
  Values initial_states(std::span<const Value> inputs, const Value& projected, CallContext& context) const;
  ops::ScanResult as_one(const RecurrentCell::Known& known, const Value& x, const Values& initial,
                         const ops::ScanResult& loop) const;

  std::shared_ptr<RecurrentCell> cell_;
  RnnArguments arguments_;
  bool whole_cell_, flipped_ = false;
  std::vector<Variable> states_;  // of a stateful layer; as in Keras, files do not hold them
};

}  // namespace keratin::detail
