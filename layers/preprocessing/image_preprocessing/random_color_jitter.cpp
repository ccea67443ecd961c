#include "keratin/layers/preprocessing/image_preprocessing/random_color_jitter.h"

#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/random_image_layer.h"
#include "keratin/layers/preprocessing/image_preprocessing/random_brightness.h"
#include "keratin/layers/preprocessing/image_preprocessing/random_contrast.h"
#include "keratin/layers/preprocessing/image_preprocessing/random_hue.h"
#include "keratin/layers/preprocessing/image_preprocessing/random_saturation.h"

namespace keratin {
namespace {

ConfigValue factor_config(const std::optional<Factor>& factor) { return factor ? factor->config() : ConfigValue(); }

class RandomColorJitterLayer final : public detail::RandomImageLayer {
 public:
  explicit RandomColorJitterLayer(const RandomColorJitterOptions& options)
      : RandomImageLayer("RandomColorJitter", options.seed, options.name, options.trainable), options_(options) {
    const RandomColorOptions common = {.value_range = options.value_range, .seed = options.seed};
    if (options.brightness_factor) parts_.push_back(RandomBrightness(*options.brightness_factor, common));
    if (options.contrast_factor) parts_.push_back(RandomContrast(*options.contrast_factor, common));
    if (options.saturation_factor) parts_.push_back(RandomSaturation(*options.saturation_factor, common));
    if (options.hue_factor) parts_.push_back(RandomHue(*options.hue_factor, common));
  }

  Config config() const override {
    return LayerImpl::config()
        .set("data_format", "channels_last")
        .set("value_range", options_.value_range)
        .set("brightness_factor", factor_config(options_.brightness_factor))
        .set("contrast_factor", factor_config(options_.contrast_factor))
        .set("saturation_factor", factor_config(options_.saturation_factor))
        .set("hue_factor", factor_config(options_.hue_factor))
        .set("seed", seed_config());
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    RandomImageLayer::check_inputs(inputs);
    if (options_.saturation_factor || options_.hue_factor) detail::require_colors(inputs[0]);
  }

  // Each part asks this context for streams of its own.
  Value augment(const Value& images, CallContext& context) override {
    Value x = images;
    for (const Layer& part : parts_) x = part.impl().call(x, context);
    return x;
  }

 private:
  RandomColorJitterOptions options_;
  std::vector<Layer> parts_;  // without weights, so files know nothing of them
};

}  // namespace

RandomColorJitter::RandomColorJitter(const RandomColorJitterOptions& options)
    : Layer(std::make_shared<RandomColorJitterLayer>(options)) {}

Layer RandomColorJitter::from_config(ConfigReader& c) {
  const RandomColorOptions common = detail::read_color_options(c);
  return RandomColorJitter({.value_range = common.value_range,
                            .brightness_factor = detail::read_optional_factor(c, "brightness_factor"),
                            .contrast_factor = detail::read_optional_factor(c, "contrast_factor"),
                            .saturation_factor = detail::read_optional_factor(c, "saturation_factor"),
                            .hue_factor = detail::read_optional_factor(c, "hue_factor"),
                            .seed = common.seed,
                            .name = common.name,
                            .trainable = common.trainable});
}

}  // namespace keratin
