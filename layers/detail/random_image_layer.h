// What the layers share that change images at random: they do it in training only, and differ in how.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "keratin/core/model/config_reader.h"
#include "keratin/core/model/layer.h"
#include "keratin/core/ops/image.h"
#include "keratin/layers/factor.h"
#include "keratin/layers/preprocessing/image_preprocessing/random_image_options.h"

namespace keratin::detail {

// From where to where random numbers are drawn.
struct DrawRange {
  double lower = 0, upper = 0;
};

class RandomImageLayer : public LayerImpl {
 public:
  Value call(Value images, CallContext& context) final;
  bool trains_by_default() const final { return true; }

 protected:
  RandomImageLayer(const std::string& class_name, const std::optional<std::uint64_t>& seed, const std::string& name,
                   bool trainable)
      : LayerImpl(class_name, name, trainable), seed_(seed) {}

  // Of images as floating numbers, in training and outside of it.
  virtual Value augment(const Value& images, CallContext& context) = 0;
  virtual Value unaugmented(const Value& images) const { return images; }

  void check_inputs(std::span<const Shape> inputs) const override;

  // New numbers at each call and step, in the dtype of the images.
  Value draw(CallContext& context, const Shape& shape, DrawRange range, DType dtype) const;
  ConfigValue seed_config() const;
  const std::optional<std::uint64_t>& seed() const { return seed_; }

 private:
  std::optional<std::uint64_t> seed_;
};

// Layers that change the colours of each image by a part that is drawn for it.
class RandomColorLayer : public RandomImageLayer {
 public:
  Config config() const override;

 protected:
  // `factor` lies between `least` and 1. Throws InvalidArgument.
  RandomColorLayer(const std::string& class_name, const Factor& factor, double least,
                   const RandomColorOptions& options);

  void check_inputs(std::span<const Shape> inputs) const override;

  // (n, 1, 1, 1)
  Value draw_part(CallContext& context, const Value& images) const;
  const std::array<double, 2>& values() const { return values_; }

 private:
  DrawRange range_;
  std::array<double, 2> values_;
};
// With the smaller end of the range of values first.
RandomColorOptions in_order(RandomColorOptions options);

// Layers that move pixels: `call` gets places from where they come.
class RandomAffineLayer : public RandomImageLayer {
 protected:
  // Throws InvalidArgument for an unknown word.
  RandomAffineLayer(const std::string& class_name, const RandomAffineOptions& options);

  ops::image::SampleOptions sampling() const;
  const RandomAffineOptions& options() const { return options_; }

 private:
  RandomAffineOptions options_;
};

// The range of a factor between `least` and `most`; a number f stands for [-f, f], cut off at `least`. Throws
// InvalidArgument as "RandomBrightness: factor must lie between -1 and 1, got 3".
DrawRange range_of(std::string_view layer, std::string_view option, const Factor& factor, double least, double most);

// For check_inputs: red, green and blue.
void require_colors(const Shape& images);

// x, of values from one range, in another one.
Value rescaled(const Value& x, const std::array<double, 2>& from, const std::array<double, 2>& to);

// An argument of a configuration, required: a number or a list of two. Null leaves the optional one empty.
Factor read_factor(ConfigReader& c, std::string_view key);
std::optional<Factor> read_optional_factor(ConfigReader& c, std::string_view key);
std::array<double, 2> read_value_range(ConfigReader& c);
RandomAffineOptions read_affine_options(ConfigReader& c);
RandomImageOptions read_random_options(ConfigReader& c);
RandomColorOptions read_color_options(ConfigReader& c);

}  // namespace keratin::detail
