#include "keratin/layers/preprocessing/image_preprocessing/random_flip.h"

#include <algorithm>

#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/random_image_layer.h"

namespace keratin {
namespace {

const std::vector<std::string> kModes = {"horizontal", "vertical", "horizontal_and_vertical"};

class RandomFlipLayer final : public detail::RandomImageLayer {
 public:
  RandomFlipLayer(const std::string& mode, const RandomImageOptions& options)
      : RandomImageLayer("RandomFlip", options.seed, options.name, options.trainable), mode_(mode) {
    if (std::find(kModes.begin(), kModes.end(), mode_) != kModes.end()) return;
    throw InvalidArgument("RandomFlip: mode must be 'horizontal', 'vertical' or 'horizontal_and_vertical', got '" +
                          mode_ + "'" + did_you_mean(mode_, kModes));
  }

  Config config() const override { return LayerImpl::config().set("seed", seed_config()).set("mode", mode_); }

 protected:
  Value augment(const Value& x, CallContext& context) override {
    const Shape& s = x.shape();
    const Value flipped = ops::less_equal(draw(context, {s[0], 1, 1}, {0, 1}, x.dtype()), 0.5);
    const auto places = [&](int axis) {
      Shape shape = {1, 1, 1};
      shape[axis] = s[axis];
      const Value forwards = ops::iota(shape, axis, x.dtype());
      return ops::where(flipped, static_cast<double>(s[axis] - 1) - forwards, forwards);
    };
    return ops::image::sample(x, mode_ == "horizontal" ? Value() : places(1), mode_ == "vertical" ? Value() : places(2),
                              {.interpolation = "nearest", .fill_mode = "nearest"});
  }

 private:
  std::string mode_;
};

}  // namespace

RandomFlip::RandomFlip(const std::string& mode, const RandomImageOptions& options)
    : Layer(std::make_shared<RandomFlipLayer>(mode, options)) {}

Layer RandomFlip::from_config(ConfigReader& c) {
  const std::string mode = c.text("mode", "horizontal_and_vertical");
  return RandomFlip(mode, detail::read_random_options(c));
}

}  // namespace keratin
