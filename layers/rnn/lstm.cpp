#include "keratin/layers/rnn/lstm.h"

#include <algorithm>

#include "keratin/core/ops/elementwise.h"
#include "keratin/layers/detail/rnn_layer.h"

namespace keratin {
namespace {

// Zeros (or whatever the bias begins with) but for the forget gate, the second of four.
Initializer with_forget_bias(const Initializer& bias) {
  return Initializer(
      [bias](const Shape& shape, DType dtype, std::uint64_t seed) {
        const std::int64_t units = shape[0] / 4;
        const Tensor input = bias({units}, dtype, seed), others = bias({2 * units}, dtype, seed);
        Tensor result = Tensor::full(shape, 1, dtype);
        visit_dtype(dtype, [&]<class T>() {
          const auto to = result.values<T>();
          std::copy_n(input.values<T>().begin(), units, to.begin());
          std::copy_n(others.values<T>().begin(), 2 * units, to.begin() + 2 * units);
        });
        return result;
      },
      bias.config());
}

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

 protected:
  Initializer bias_initializer() const override {
    return arguments().unit_forget_bias ? with_forget_bias(arguments().bias_initializer) : arguments().bias_initializer;
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
