#include "keratin/layers/reshaping/up_sampling2d.h"

#include <algorithm>
#include <cmath>

#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/matmul.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/border_layer.h"
#include "keratin/layers/detail/config_support.h"

namespace keratin {
namespace {

// Row i holds the shares of the input's pixels in output pixel i, whose centre lies at (i + 1/2) / factor - 1/2 between
// the centres of the input's pixels.
Tensor interpolation(std::int64_t size, std::int64_t factor, DType dtype) {
  constexpr std::int64_t kMost = std::int64_t{1} << 25;  // elements: 4096 pixels made 8192
  if (size * factor > kMost / size) {
    throw InvalidArgument("bilinear interpolation of " + std::to_string(size) + " pixels to " +
                          std::to_string(size * factor) + " takes too much memory; resize the images beforehand");
  }
  Tensor result({size * factor, size}, DType::float64);
  const std::span<double> shares = result.values<double>();
  for (std::int64_t i = 0; i < size * factor; ++i) {
    const double centre = (static_cast<double>(i) + 0.5) / static_cast<double>(factor) - 0.5;
    const double below = std::floor(centre);
    const auto left = static_cast<std::int64_t>(below);
    const auto at = [&](std::int64_t pixel) -> double& {
      return shares[static_cast<std::size_t>(i * size + std::clamp<std::int64_t>(pixel, 0, size - 1))];
    };
    at(left) += 1 - (centre - below);
    at(left + 1) += centre - below;
  }
  return result.astype(dtype);
}

class UpSampling2DLayer final : public LayerImpl {
 public:
  UpSampling2DLayer(Size2D size, const UpSampling2DOptions& options)
      : LayerImpl("UpSampling2D", options.name, options.trainable), size_(size), interpolation_(options.interpolation) {
    detail::require_positive("UpSampling2D", "size", detail::sizes_of(size_));
    if (interpolation_ != "nearest" && interpolation_ != "bilinear") {
      throw InvalidArgument("UpSampling2D: interpolation must be 'nearest' or 'bilinear', got '" + interpolation_ +
                            "'" + did_you_mean(interpolation_, {"nearest", "bilinear"}));
    }
  }

  Config config() const override {
    return LayerImpl::config()
        .set("size", size_.array())
        .set("data_format", "channels_last")
        .set("interpolation", interpolation_);
  }

  Value call(Value x, CallContext&) override {
    return interpolation_ == "nearest" ? detail::repeat_elements(x, detail::sizes_of(size_)) : bilinear(x);
  }

 protected:
  void check_inputs(std::span<const Shape> inputs) const override {
    detail::require_rank(inputs[0], 4, "(n, h, w, c)");
  }

 private:
  // Two products with constant matrices: rows first, then columns.
  Value bilinear(const Value& images) const {
    const Value x = op_support::to_floating(images);
    const std::int64_t n = x.shape()[0], h = x.shape()[1], w = x.shape()[2], c = x.shape()[3];
    Value y = ops::reshape(x, {n, h, w * c});
    if (size_.height > 1) y = ops::matmul(interpolation(h, size_.height, x.dtype()), y);
    if (size_.width > 1) {
      y = ops::matmul(interpolation(w, size_.width, x.dtype()), ops::reshape(y, {n * h * size_.height, w, c}));
    }
    return ops::reshape(y, {n, h * size_.height, w * size_.width, c});
  }

  Size2D size_;
  std::string interpolation_;
};

}  // namespace

UpSampling2D::UpSampling2D(Size2D size, const UpSampling2DOptions& options)
    : Layer(std::make_shared<UpSampling2DLayer>(size, options)) {}

Layer UpSampling2D::from_config(ConfigReader& c) {
  detail::expect_channels_last(c);
  const Size2D size = detail::read_size2d(c, "size", 2);
  return UpSampling2D(
      size, {.interpolation = c.text("interpolation", "nearest"), .name = c.name(), .trainable = c.trainable()});
}

}  // namespace keratin
