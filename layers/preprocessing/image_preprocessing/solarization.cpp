#include "keratin/layers/preprocessing/image_preprocessing/solarization.h"

#include <algorithm>

#include "keratin/core/ops/elementwise.h"
#include "keratin/layers/detail/random_image_layer.h"

namespace keratin {
namespace {

constexpr std::array<double, 2> kBytes = {0, 255};

class SolarizationLayer final : public detail::RandomImageLayer {
 public:
  explicit SolarizationLayer(const SolarizationOptions& options)
      : RandomImageLayer("Solarization", options.seed, options.name, options.trainable),
        addition_(detail::range_of("Solarization", "addition_factor", options.addition_factor, 0, 1)),
        threshold_(detail::range_of("Solarization", "threshold_factor", options.threshold_factor, 0, 1)),
        values_(options.value_range) {
    std::sort(values_.begin(), values_.end());
  }

  Config config() const override {
    return LayerImpl::config()
        .set("data_format", "channels_last")
        .set("value_range", values_)
        .set("addition_factor", std::array<double, 2>{addition_.lower, addition_.upper})
        .set("threshold_factor", std::array<double, 2>{threshold_.lower, threshold_.upper})
        .set("seed", seed_config());
  }

 protected:
  Value augment(const Value& x, CallContext& context) override {
    const auto drawn = [&](const detail::DrawRange& range) {
      return draw(context, {x.shape()[0], 1, 1, 1}, {range.lower, range.upper * 255}, x.dtype());
    };
    const Value addition = drawn(addition_), threshold = drawn(threshold_);
    const Value bytes = ops::clip(detail::rescaled(x, values_, kBytes) + addition, 0, 255);
    return detail::rescaled(ops::where(ops::less(bytes, threshold), bytes, 255.0 - bytes), kBytes, values_);
  }

 private:
  detail::DrawRange addition_, threshold_;
  std::array<double, 2> values_;
};

}  // namespace

Solarization::Solarization(const SolarizationOptions& options) : Layer(std::make_shared<SolarizationLayer>(options)) {}

Layer Solarization::from_config(ConfigReader& c) {
  SolarizationOptions options;
  if (c.config().find("addition_factor")) options.addition_factor = detail::read_factor(c, "addition_factor");
  if (c.config().find("threshold_factor")) options.threshold_factor = detail::read_factor(c, "threshold_factor");
  const RandomColorOptions common = detail::read_color_options(c);
  options.value_range = common.value_range;
  options.seed = common.seed;
  options.name = common.name;
  options.trainable = common.trainable;
  return Solarization(options);
}

}  // namespace keratin
