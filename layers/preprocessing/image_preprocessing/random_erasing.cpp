#include "keratin/layers/preprocessing/image_preprocessing/random_erasing.h"

#include <algorithm>

#include "keratin/core/model/config_variant.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/random.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/random_image_layer.h"

namespace keratin {
namespace {

class RandomErasingLayer final : public detail::RandomImageLayer {
 public:
  RandomErasingLayer(const Factor& factor, RandomErasingOptions options)
      : RandomImageLayer("RandomErasing", options.seed, options.name, options.trainable),
        probability_(detail::range_of("RandomErasing", "factor", factor, 0, 1)),
        scale_(detail::range_of("RandomErasing", "scale", options.scale, 0, 1)),
        fill_(std::move(options.fill_value)),
        values_(options.value_range) {}

  Config config() const override {
    return LayerImpl::config()
        .set("data_format", "channels_last")
        .set("factor", std::array<double, 2>{probability_.lower, probability_.upper})
        .set("scale", std::array<double, 2>{scale_.lower, scale_.upper})
        .set("fill_value", fill_.empty()       ? ConfigValue()
                           : fill_.size() == 1 ? ConfigValue(fill_.front())
                                               : ConfigValue(fill_))
        .set("value_range", values_)
        .set("seed", seed_config());
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    RandomImageLayer::check_inputs(inputs);
    const std::int64_t channels = inputs[0][3];
    if (fill_.size() < 2 || channels == kUnknown || channels == static_cast<std::int64_t>(fill_.size())) return;
    throw InvalidArgument("fill_value has " + std::to_string(fill_.size()) + " numbers for an input of shape " +
                          inputs[0].to_string() + "; it needs one, or one for each channel");
  }

  Value augment(const Value& x, CallContext& context) override {
    const Shape each = {x.shape()[0], 1, 1, 1};
    const auto within = [&](int axis) {
      const auto size = static_cast<double>(x.shape()[axis]);
      const Value length = ops::sqrt(draw(context, each, scale_, x.dtype())) * size;
      const Value first = draw(context, each, {0, 1}, x.dtype()) * (size - length);
      Shape shape = {1, 1, 1, 1};
      shape[axis] = x.shape()[axis];
      const Value place = ops::iota(shape, axis, x.dtype());
      return ops::logical_and(ops::greater_equal(place, first), ops::less(place, first + length));
    };
    const Value columns = within(2), rows = within(1);
    const Value probability = draw(context, each, probability_, x.dtype());
    const Value chosen = ops::less(draw(context, each, {0, 1}, x.dtype()), probability);
    return ops::where(ops::logical_and(ops::logical_and(rows, columns), chosen), filling(x, context), x);
  }

 private:
  Value filling(const Value& x, CallContext& context) const {
    if (fill_.empty()) {
      const Value step = context.random_step();
      const Value noise = ops::random_normal(step, x.shape(), context.random_stream(seed()));
      return ops::clip(ops::cast(noise, x.dtype()) * values_[1], values_[0], values_[1]);
    }
    std::vector<double> fill = fill_;
    for (double& value : fill) value = std::min(std::max(value, values_[0]), values_[1]);
    return Tensor({static_cast<std::int64_t>(fill.size())}, fill).astype(x.dtype());
  }

  detail::DrawRange probability_, scale_;
  std::vector<double> fill_;
  std::array<double, 2> values_;
};

}  // namespace

RandomErasing::RandomErasing(const Factor& factor, const RandomErasingOptions& options)
    : Layer(std::make_shared<RandomErasingLayer>(factor, options)) {}

Layer RandomErasing::from_config(ConfigReader& c) {
  detail::expect_channels_last(c);
  const Factor factor = c.config().find("factor") ? detail::read_factor(c, "factor") : 1.0;
  RandomErasingOptions options;
  if (c.config().find("scale")) options.scale = detail::read_factor(c, "scale");
  const ConfigValue* fill = c.take("fill_value");
  if (fill && std::holds_alternative<ConfigValue::List>(fill->variant())) {
    options.fill_value = c.numbers("fill_value");
  } else if (fill && !fill->is_null()) {
    options.fill_value = {c.number("fill_value")};
  }
  options.value_range = detail::read_value_range(c);
  options.seed = c.seed();
  options.name = c.name();
  options.trainable = c.trainable();
  return RandomErasing(factor, options);
}

}  // namespace keratin
