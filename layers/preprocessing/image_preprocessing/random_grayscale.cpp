#include "keratin/layers/preprocessing/image_preprocessing/random_grayscale.h"

#include "keratin/core/ops/color.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/layers/detail/layer_support.h"
#include "keratin/layers/detail/random_image_layer.h"

namespace keratin {
namespace {

class RandomGrayscaleLayer final : public detail::RandomImageLayer {
 public:
  RandomGrayscaleLayer(double factor, const RandomImageOptions& options)
      : RandomImageLayer("RandomGrayscale", options.seed, options.name, options.trainable), factor_(factor) {
    detail::require_rate("RandomGrayscale", "factor", factor_);
  }

  // Keras forgets the seed, but takes it.
  Config config() const override {
    Config config = LayerImpl::config();
    config.set("data_format", "channels_last").set("factor", factor_);
    return seed() ? config.set("seed", seed_config()) : config;
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    RandomImageLayer::check_inputs(inputs);
    detail::require_colors(inputs[0]);
  }

  Value augment(const Value& x, CallContext& context) override {
    const Value chosen = ops::less(draw(context, {x.shape()[0], 1, 1, 1}, {0, 1}, x.dtype()), factor_);
    return ops::where(chosen, ops::image::rgb_to_grayscale(x), x);
  }

 private:
  double factor_;
};

}  // namespace

RandomGrayscale::RandomGrayscale(double factor, const RandomImageOptions& options)
    : Layer(std::make_shared<RandomGrayscaleLayer>(factor, options)) {}

Layer RandomGrayscale::from_config(ConfigReader& c) {
  const double factor = c.number("factor", 0.5);
  return RandomGrayscale(factor, detail::read_random_options(c));
}

}  // namespace keratin
