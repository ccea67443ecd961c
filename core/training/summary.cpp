// Model::summary: Keras's table of layers, and the memory of training.
#include <algorithm>
#include <numeric>

#include "keratin/core/tensor/errors.h"
#include "keratin/core/training/detail/model_impl.h"
#include "keratin/core/training/detail/trainer.h"

namespace keratin {
namespace {

std::string thousands(std::int64_t number) {
  std::string text = std::to_string(number);
  for (auto i = static_cast<std::ptrdiff_t>(text.size()) - 3; i > 0; i -= 3)
    text.insert(static_cast<std::size_t>(i), ",");
  return text;
}

// Columns are counted in characters, not bytes.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}
std::string padded(std::string text, std::size_t width, bool right) {
  const std::size_t now = width_of(text);
  if (now > width) {
    // Names that are too long keep their end, where the numbers are.
    text = "…" + text.substr(text.size() - (width - 1));
    return text;
  }
  const std::string blanks(width - now, ' ');
  return right ? blanks + text : text + blanks;
}

using Row = std::vector<std::string>;

class Table {
 public:
  Table(std::vector<std::size_t> widths, std::vector<bool> right)
      : widths_(std::move(widths)), right_(std::move(right)) {}
  std::string rule(const char* left, const char* line, const char* cross, const char* end) const {
    std::string text = left;
    for (std::size_t i = 0; i < widths_.size(); ++i) {
      for (std::size_t k = 0; k < widths_[i] + 2; ++k) text += line;
      text += i + 1 < widths_.size() ? cross : end;
    }
    return text + "\n";
  }
  std::string row(const Row& cells, const char* bar) const {
    std::string text = bar;
    for (std::size_t i = 0; i < widths_.size(); ++i) text += " " + padded(cells[i], widths_[i], right_[i]) + " " + bar;
    return text + "\n";
  }

 private:
  std::vector<std::size_t> widths_;
  std::vector<bool> right_;
};

class Summary {
 public:
  Summary(const ModelImpl& model, const SummaryOptions& options) : model_(model), options_(options) {
    // A graph that is no chain shows where each layer's input comes from.
    std::vector<const Node*> calls;
    for (const NodePtr& node : topological_order(std::span<const Value>(model.outputs()))) {
      if (!node->is_op()) nodes_.push_back(node);
    }
    connected_ = model.class_name() != "Sequential" &&
                 std::any_of(nodes_.begin(), nodes_.end(), [](const NodePtr& n) { return n->inputs().size() > 1; });
  }

  std::string table() const {
    std::vector<Row> rows;
    add_rows(model_, "", rows);
    Row head = {"Layer (type)", "Output Shape", "Param #"};
    if (connected_) head.push_back("Connected to");
    if (options_.show_trainable) head.push_back("Trainable");
    std::vector<std::size_t> widths(head.size());
    for (std::size_t i = 0; i < head.size(); ++i) {
      widths[i] = width_of(head[i]);
      for (const Row& row : rows) widths[i] = std::max(widths[i], width_of(row[i]));
    }
    // At least as wide as asked for: the first column takes what is left.
    const std::size_t total = std::accumulate(widths.begin(), widths.end(), std::size_t{0}) + 3 * widths.size() + 1;
    if (total < static_cast<std::size_t>(std::max(0, options_.line_length))) {
      widths[0] += static_cast<std::size_t>(options_.line_length) - total;
    }
    std::vector<bool> right(head.size(), false);
    right[2] = true;
    const Table table(widths, right);
    std::string text = table.rule("┏", "━", "┳", "┓") + table.row(head, "┃") + table.rule("┡", "━", "╇", "┩");
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (i > 0) text += table.rule("├", "─", "┼", "┤");
      text += table.row(rows[i], "│");
    }
    return text + table.rule("└", "─", "┴", "┘");
  }

 private:
  void add_rows(const ModelImpl& model, const std::string& indent, std::vector<Row>& rows) const {
    for (const Layer& layer : model.layers()) {
      Row row = {indent + layer.name() + " (" + layer.class_name() + ")", output_shape(layer),
                 layer.built() ? thousands(layer.count_params()) : "0 (unbuilt)"};
      if (connected_) row.push_back(sources(layer));
      if (options_.show_trainable) {
        row.push_back(layer.variables().empty() ? "-" : (layer.trainable_variables().empty() ? "N" : "Y"));
      }
      rows.push_back(std::move(row));
      const auto* nested = dynamic_cast<const ModelImpl*>(&layer.impl());
      if (options_.expand_nested && nested) add_rows(*nested, indent + "  └ ", rows);
    }
  }

  std::string output_shape(const Layer& layer) const {
    if (layer.impl().symbolic_input()) return layer.impl().symbolic_input().shape().to_string();
    for (const NodePtr& node : nodes_) {
      if (node->layer().get() != &layer.impl()) continue;
      std::string text;
      for (const Spec& spec : node->outputs()) text += (text.empty() ? "" : ", ") + spec.shape.to_string();
      return text;
    }
    // A layer of a nested model: its own graph knows.
    for (const Layer& outer : model_.layers()) {
      const auto* nested = dynamic_cast<const ModelImpl*>(&outer.impl());
      if (!nested || !nested->has_graph()) continue;
      for (const NodePtr& node : topological_order(std::span<const Value>(nested->outputs()))) {
        if (!node->is_op() && node->layer().get() == &layer.impl()) return node->outputs()[0].shape.to_string();
      }
    }
    return "?";
  }

  std::string sources(const Layer& layer) const {
    std::string text;
    for (const NodePtr& node : nodes_) {
      if (node->layer().get() != &layer.impl()) continue;
      for (const Value& input : node->inputs()) {
        const Node& source = *input.node();
        std::string name;
        if (!source.is_op()) {
          name = source.layer()->name();
        } else if (source.is(kInput)) {
          name = source.attrs_as<InputAttrs>().name;
        } else {
          name = std::string(source.op().name);
        }
        text += (text.empty() ? "" : ", ") + name;
      }
    }
    return text.empty() ? "-" : text;
  }

  const ModelImpl& model_;
  const SummaryOptions& options_;
  std::vector<NodePtr> nodes_;
  bool connected_ = false;
};

std::int64_t count(const std::vector<Variable>& variables) {
  std::int64_t total = 0;
  for (const Variable& variable : variables) total += variable.shape().size();
  return total;
}
std::int64_t bytes(const std::vector<Variable>& variables) {
  std::int64_t total = 0;
  for (const Variable& variable : variables) total += static_cast<std::int64_t>(variable.state()->bytes());
  return total;
}

}  // namespace

std::string Model::summary_text(const SummaryOptions& options) const {
  const ModelImpl& model = model_impl();
  std::string text = "Model: \"" + name() + "\"\n" + Summary(model, options).table();
  auto line = [&](const char* what, const std::vector<Variable>& variables) {
    text += std::string(" ") + what + " params: " + thousands(count(variables)) + " (" +
            format_bytes(bytes(variables)) + ")\n";
  };
  std::vector<Variable> all = variables();
  std::vector<Variable> optimizer;
  if (compiled()) optimizer = this->optimizer()->variables();
  std::vector<Variable> everything = all;
  everything.insert(everything.end(), optimizer.begin(), optimizer.end());
  line("Total", everything);
  line("Trainable", trainable_variables());
  line("Non-trainable", non_trainable_variables());
  if (!optimizer.empty()) line("Optimizer", optimizer);
  if (!model.has_graph()) return text + " The model has no input shape yet, so its memory is not known.\n";
  try {
    const MemoryReport memory = this->memory(options.batch_size);
    text += std::string(" Memory for ") + (compiled() ? "training" : "prediction") + " at batch size " +
            std::to_string(options.batch_size) + " on " + current_device_name() + ": " + format_bytes(memory.total()) +
            "\n   weights " + format_bytes(memory.weights) + ", gradients " + format_bytes(memory.gradients) +
            ", optimizer and metrics " + format_bytes(memory.optimizer) + ", activations " +
            format_bytes(memory.activations) + ", workspace " + format_bytes(memory.workspace) +
            ", inputs and constants " + format_bytes(memory.feed) + "\n";
  } catch (const InvalidArgument& error) {
    // A model whose inputs vary in size has no single answer.
    text += std::string(" Memory: ") + error.what() + "\n";
  }
  return text;
}

}  // namespace keratin
