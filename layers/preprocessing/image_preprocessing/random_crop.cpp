#include "keratin/layers/preprocessing/image_preprocessing/random_crop.h"

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/layers/detail/layer_support.h"
#include "keratin/layers/detail/random_image_layer.h"

namespace keratin {
namespace {

class RandomCropLayer final : public detail::RandomImageLayer {
 public:
  RandomCropLayer(std::int64_t height, std::int64_t width, const RandomImageOptions& options)
      : RandomImageLayer("RandomCrop", options.seed, options.name, options.trainable), height_(height), width_(width) {
    detail::require_positive("RandomCrop", "height", height_);
    detail::require_positive("RandomCrop", "width", width_);
  }

  Config config() const override {
    return LayerImpl::config()
        .set("data_format", "channels_last")
        .set("height", height_)
        .set("width", width_)
        .set("seed", seed_config());
  }

 protected:
  Value augment(const Value& x, CallContext& context) override {
    const Shape& s = x.shape();
    if (s[1] < height_ || s[2] < width_) return unaugmented(x);
    const auto places = [&](int axis, std::int64_t size) {
      if (s[axis] == size) return Value();
      Shape shape = {1, 1, 1};
      const Value first = ops::floor(draw(context, shape, {0, static_cast<double>(s[axis] - size + 1)}, x.dtype()));
      shape[axis] = size;
      return first + ops::iota(shape, axis, x.dtype());
    };
    const Value rows = places(1, height_), columns = places(2, width_);
    return ops::image::sample(x, rows, columns, {.interpolation = "nearest", .fill_mode = "nearest"});
  }

  Value unaugmented(const Value& x) const override {
    return ops::image::resize(x, height_, width_, {.crop_to_aspect_ratio = true});
  }

 private:
  std::int64_t height_, width_;
};

}  // namespace

RandomCrop::RandomCrop(std::int64_t height, std::int64_t width, const RandomImageOptions& options)
    : Layer(std::make_shared<RandomCropLayer>(height, width, options)) {}

Layer RandomCrop::from_config(ConfigReader& c) {
  const std::int64_t height = c.integer("height"), width = c.integer("width");
  return RandomCrop(height, width, detail::read_random_options(c));
}

}  // namespace keratin
