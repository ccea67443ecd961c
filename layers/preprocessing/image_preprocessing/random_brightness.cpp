#include "keratin/layers/preprocessing/image_preprocessing/random_brightness.h"

#include <algorithm>

#include "keratin/core/ops/elementwise.h"
#include "keratin/layers/detail/random_image_layer.h"

namespace keratin {
namespace {

class RandomBrightnessLayer final : public detail::RandomImageLayer {
 public:
  RandomBrightnessLayer(const Factor& factor, const RandomColorOptions& options)
      : RandomImageLayer("RandomBrightness", options.seed, options.name, options.trainable),
        range_(detail::range_of("RandomBrightness", "factor", factor, -1, 1)),
        values_(options.value_range) {
    std::sort(values_.begin(), values_.end());
  }

  Config config() const override {
    return LayerImpl::config()
        .set("factor", std::array<double, 2>{range_.lower, range_.upper})
        .set("value_range", values_)
        .set("seed", seed_config());
  }

 protected:
  Value augment(const Value& x, CallContext& context) override {
    const Value delta = draw(context, {x.shape()[0], 1, 1, 1}, range_, x.dtype()) * (values_[1] - values_[0]);
    return ops::clip(x + delta, values_[0], values_[1]);
  }

 private:
  detail::DrawRange range_;
  std::array<double, 2> values_;
};

}  // namespace

RandomBrightness::RandomBrightness(const Factor& factor, const RandomColorOptions& options)
    : Layer(std::make_shared<RandomBrightnessLayer>(factor, options)) {}

Layer RandomBrightness::from_config(ConfigReader& c) {
  const Factor factor = detail::read_factor(c, "factor");
  return RandomBrightness(factor, detail::read_color_options(c));
}

}  // namespace keratin
