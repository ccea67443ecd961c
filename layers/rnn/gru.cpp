#include "keratin/layers/rnn/gru.h"

#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/layers/detail/rnn_layer.h"

namespace keratin {
namespace {

class GRUCellLayer final : public detail::GatedCell {
 public:
  explicit GRUCellLayer(detail::CellArguments arguments) : GatedCell("GRUCell", 3, std::move(arguments)) {}

  std::vector<std::int64_t> state_sizes() const override { return {arguments().units}; }

  Values step(const Value& x, const Values& states, CallContext& context) override {
    const auto& a = arguments();
    const Value& h = states[0];
    const Values from_x = gates(x, 3);
    Value z, r, candidate;
    if (a.reset_after) {
      Value product = recurrent_product(h, 0, 3, context);
      if (a.use_bias) product = product + bias_row(1);
      const Values from_h = gates(product, 3);
      z = a.recurrent_activation(from_x[0] + from_h[0]);
      r = a.recurrent_activation(from_x[1] + from_h[1]);
      candidate = a.activation(from_x[2] + r * from_h[2]);
    } else {
      const Values from_h = gates(recurrent_product(h, 0, 2, context), 2);
      z = a.recurrent_activation(from_x[0] + from_h[0]);
      r = a.recurrent_activation(from_x[1] + from_h[1]);
      candidate = a.activation(from_x[2] + recurrent_product(r * h, 2, 3, context));
    }
    return {z * h + (1.0 - z) * candidate};
  }

  std::optional<Known> known(CallContext& context) const override {
    return arguments().reset_after ? known_as(RecurrentKind::gru, context) : std::nullopt;
  }

 protected:
  Shape bias_shape() const override {
    const std::int64_t width = 3 * arguments().units;
    return arguments().reset_after ? Shape{2, width} : Shape{width};
  }
  Value input_bias() const override { return arguments().reset_after ? bias_row(0) : Value(bias()); }

 private:
  // With reset_after one bias is added to the product with x, and one to that with h.
  Value bias_row(std::int64_t row) const {
    return ops::reshape(ops::slice(bias(), {row, 0}, {1, -1}), {3 * arguments().units});
  }
};

// A layer's cell is named after its class, as in Keras.
std::shared_ptr<LayerImpl> make_layer(std::int64_t units, const GRUOptions& options) {
  detail::CellArguments cell = detail::cell_arguments(units, options);
  cell.name = "gru_cell";
  return std::make_shared<detail::RnnLayer>("GRU", std::make_shared<GRUCellLayer>(std::move(cell)),
                                            detail::rnn_arguments(options), false);
}

}  // namespace

GRU::GRU(std::int64_t units, GRUOptions options) : Layer(make_layer(units, options)) {}

Layer GRU::from_config(ConfigReader& c) {
  const std::int64_t units = c.integer("units");
  return GRU(units, detail::read_recurrent_options<GRUOptions>(c));
}

GRUCell::GRUCell(std::int64_t units, GRUCellOptions options)
    : Layer(std::make_shared<GRUCellLayer>(detail::cell_arguments(units, options))) {}

Layer GRUCell::from_config(ConfigReader& c) {
  const std::int64_t units = c.integer("units");
  return GRUCell(units, detail::read_recurrent_options<GRUCellOptions>(c));
}

}  // namespace keratin
