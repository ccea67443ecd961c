#include "keratin/layers/rnn/lstm.h"

#include "keratin/core/ops/elementwise.h"
#include "keratin/layers/detail/rnn_layer.h"

namespace keratin {
namespace {

class LSTMCellLayer final : public detail::GatedCell {
 public:
  explicit LSTMCellLayer(detail::CellArguments arguments) : GatedCell("LSTMCell", 4, std::move(arguments)) {}

  std::vector<std::int64_t> state_sizes() const override { return {arguments().units, arguments().units}; }

  Values step(const Value& x, const Values& states, CallContext& context) override {
    const auto& a = arguments();
    const Values z = gates(x + recurrent_product(states[0], 0, 4, context), 4);
    const Value input = a.recurrent_activation(z[0]), forget = a.recurrent_activation(z[1]);
    const Value c = forget * states[1] + input * a.activation(z[2]);
    return {a.recurrent_activation(z[3]) * a.activation(c), c};
  }

  std::optional<Known> known(CallContext& context) const override { return known_as(RecurrentKind::lstm, context); }

 protected:
  Initializer bias_initializer() const override {
    return arguments().unit_forget_bias ? detail::with_forget_bias(arguments().bias_initializer)
                                        : arguments().bias_initializer;
  }
};

// A layer's cell is named after its class, as in Keras.
std::shared_ptr<LayerImpl> make_layer(std::int64_t units, const LSTMOptions& options) {
  detail::CellArguments cell = detail::cell_arguments(units, options);
  cell.name = "lstm_cell";
  return std::make_shared<detail::RnnLayer>("LSTM", std::make_shared<LSTMCellLayer>(std::move(cell)),
                                            detail::rnn_arguments(options), false);
}

}  // namespace

LSTM::LSTM(std::int64_t units, LSTMOptions options) : Layer(make_layer(units, options)) {}

Layer LSTM::from_config(ConfigReader& c) {
  const std::int64_t units = c.integer("units");
  return LSTM(units, detail::read_recurrent_options<LSTMOptions>(c));
}

LSTMCell::LSTMCell(std::int64_t units, LSTMCellOptions options)
    : Layer(std::make_shared<LSTMCellLayer>(detail::cell_arguments(units, options))) {}

Layer LSTMCell::from_config(ConfigReader& c) {
  const std::int64_t units = c.integer("units");
  return LSTMCell(units, detail::read_recurrent_options<LSTMCellOptions>(c));
}

}  // namespace keratin
