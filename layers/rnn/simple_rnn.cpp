#include "keratin/layers/rnn/simple_rnn.h"

#include "keratin/core/ops/elementwise.h"
#include "keratin/layers/detail/rnn_layer.h"

namespace keratin {
namespace {

class SimpleRNNCellLayer final : public detail::GatedCell {
 public:
  explicit SimpleRNNCellLayer(detail::CellArguments arguments) : GatedCell("SimpleRNNCell", 1, std::move(arguments)) {}

  std::vector<std::int64_t> state_sizes() const override { return {arguments().units}; }

  Values step(const Value& x, const Values& states, CallContext& context) override {
    return {arguments().activation(x + recurrent_product(states[0], 0, 1, context))};
  }
};

// A layer's cell is named after its class, as in Keras.
std::shared_ptr<LayerImpl> make_layer(std::int64_t units, const SimpleRNNOptions& options) {
  detail::CellArguments cell = detail::cell_arguments(units, options);
  cell.name = "simple_rnn_cell";
  return std::make_shared<detail::RnnLayer>("SimpleRNN", std::make_shared<SimpleRNNCellLayer>(std::move(cell)),
                                            detail::rnn_arguments(options), false);
}

}  // namespace

SimpleRNN::SimpleRNN(std::int64_t units, SimpleRNNOptions options) : Layer(make_layer(units, options)) {}

Layer SimpleRNN::from_config(ConfigReader& c) {
  const std::int64_t units = c.integer("units");
  return SimpleRNN(units, detail::read_recurrent_options<SimpleRNNOptions>(c));
}

SimpleRNNCell::SimpleRNNCell(std::int64_t units, SimpleRNNCellOptions options)
    : Layer(std::make_shared<SimpleRNNCellLayer>(detail::cell_arguments(units, options))) {}

Layer SimpleRNNCell::from_config(ConfigReader& c) {
  const std::int64_t units = c.integer("units");
  return SimpleRNNCell(units, detail::read_recurrent_options<SimpleRNNCellOptions>(c));
}

}  // namespace keratin
