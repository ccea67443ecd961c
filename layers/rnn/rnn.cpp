#include "keratin/layers/rnn/rnn.h"

#include <map>

#include "keratin/core/model/config_variant.h"
#include "keratin/core/model/naming.h"
#include "keratin/core/model/registry.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/rnn_layer.h"

namespace keratin {
namespace {

std::shared_ptr<detail::RecurrentCell> as_cell(const std::string& user, const Layer& layer) {
  auto cell = std::dynamic_pointer_cast<detail::RecurrentCell>(layer.pointer());
  if (cell) return cell;
  throw InvalidArgument(user + ": expected a cell (SimpleRNNCell, LSTMCell, GRUCell or StackedRNNCells), got " +
                        (layer ? layer.class_name() : "an empty Layer"));
}

// The states of all cells, one cell's after the other's.
class StackedCells final : public detail::RecurrentCell {
 public:
  StackedCells(const std::vector<Layer>& cells, const LayerOptions& options)
      : RecurrentCell("StackedRNNCells", options.name, options.trainable) {
    if (cells.empty()) throw InvalidArgument("StackedRNNCells: expected at least one cell, got none");
    std::map<std::string, int> used;
    for (const Layer& cell : cells) {
      cells_.push_back(as_cell("StackedRNNCells", cell));
      // Keras's files number them by class, in a group of their own.
      std::string group = to_snake_case(cell.class_name());
      const int count = used[group]++;
      add_child("cells/" + group + (count > 0 ? "_" + std::to_string(count) : ""), cell);
    }
  }

  Config config() const override {
    ConfigValue::List cells;
    for (const auto& cell : cells_) cells.emplace_back(cell->config());
    return LayerImpl::config().set("cells", std::move(cells));
  }

  std::vector<std::int64_t> state_sizes() const override {
    std::vector<std::int64_t> sizes;
    for (const auto& cell : cells_) {
      for (std::int64_t size : cell->state_sizes()) sizes.push_back(size);
    }
    return sizes;
  }
  std::size_t output_state() const override {
    return state_sizes().size() - cells_.back()->state_sizes().size() + cells_.back()->output_state();
  }

  Value dropped_input(const Value& x, CallContext& context) override {
    return cells_.front()->dropped_input(x, context);
  }
  Value project(const Value& x, CallContext& context) override { return cells_.front()->project(x, context); }

  Values step(const Value& projected, const Values& states, CallContext& context) override {
    Values result;
    Value x = projected;
    auto first = states.begin();
    for (std::size_t i = 0; i < cells_.size(); ++i) {
      const auto last = first + static_cast<std::ptrdiff_t>(cells_[i]->state_sizes().size());
      if (i > 0) x = cells_[i]->project(cells_[i]->dropped_input(x, context), context);
      const Values next = cells_[i]->step(x, Values(first, last), context);
      x = next[cells_[i]->output_state()];
      result.insert(result.end(), next.begin(), next.end());
      first = last;
    }
    return result;
  }

 protected:
  using LayerImpl::build;
  void build(std::span<const Shape> inputs) override {
    Shape x = inputs[0];
    std::size_t state = 1;
    for (const auto& cell : cells_) {
      std::vector<Shape> shapes = {x};
      for (std::size_t i = 0; i < cell->state_sizes().size(); ++i) shapes.push_back(inputs[state++]);
      cell->build_for(shapes);
      x = {x[0], cell->state_sizes()[cell->output_state()]};
    }
  }

 private:
  std::vector<std::shared_ptr<detail::RecurrentCell>> cells_;
};

std::shared_ptr<LayerImpl> make_rnn(const Layer& cell, const RNNOptions& options) {
  detail::RnnArguments arguments{.return_sequences = options.return_sequences,
                                 .return_state = options.return_state,
                                 .go_backwards = options.go_backwards,
                                 .stateful = options.stateful,
                                 .unroll = options.unroll,
                                 .zero_output_for_mask = options.zero_output_for_mask,
                                 .name = options.name,
                                 .trainable = options.trainable};
  return std::make_shared<detail::RnnLayer>("RNN", as_cell("RNN", cell), std::move(arguments), true);
}

}  // namespace

RNN::RNN(const Layer& cell, const RNNOptions& options) : Layer(make_rnn(cell, options)) {}
RNN::RNN(const std::vector<Layer>& cells, const RNNOptions& options)
    : RNN(static_cast<const Layer&>(StackedRNNCells(cells)), options) {}

Layer RNN::from_config(ConfigReader& c) {
  const RNNOptions options{.return_sequences = c.boolean("return_sequences", false),
                           .return_state = c.boolean("return_state", false),
                           .go_backwards = c.boolean("go_backwards", false),
                           .stateful = c.boolean("stateful", false),
                           .unroll = c.boolean("unroll", false),
                           .zero_output_for_mask = c.boolean("zero_output_for_mask", false),
                           .name = c.name(),
                           .trainable = c.trainable()};
  const Layer cell = detail::read_layer(c, "cell");
  return cell ? RNN(cell, options) : Layer();
}

StackedRNNCells::StackedRNNCells(const std::vector<Layer>& cells, const LayerOptions& options)
    : Layer(std::make_shared<StackedCells>(cells, options)) {}

Layer StackedRNNCells::from_config(ConfigReader& c) {
  const ConfigValue* value = c.take("cells");
  const auto* list = value ? std::get_if<ConfigValue::List>(&value->variant()) : nullptr;
  std::vector<Layer> cells;
  for (const ConfigValue& cell : list ? *list : ConfigValue::List()) cells.push_back(make_layer(cell, c.problems()));
  const LayerOptions options = detail::read_layer_options(c);
  if (cells.empty()) c.problem("cells", "expected a list of cells");
  for (const Layer& cell : cells) {
    if (!cell) return {};
  }
  return cells.empty() ? Layer() : StackedRNNCells(cells, options);
}

}  // namespace keratin
