#include "keratin/layers/detail/random_image_layer.h"

#include <algorithm>
#include <cmath>

#include "keratin/core/model/config_variant.h"
#include "keratin/core/ops/detail/op_support.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/random.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin {

ConfigValue Factor::config() const {
  return one_ ? ConfigValue(lower_) : ConfigValue(std::array<double, 2>{lower_, upper_});
}

namespace detail {
namespace {

std::optional<double> number_in(const ConfigValue& value) {
  if (const auto* whole = std::get_if<std::int64_t>(&value.variant())) return static_cast<double>(*whole);
  if (const auto* number = std::get_if<double>(&value.variant())) return *number;
  return std::nullopt;
}

std::string text_of(const Factor& factor) {
  if (factor.is_one_number()) return format_number(factor.lower());
  return "{" + format_number(factor.lower()) + ", " + format_number(factor.upper()) + "}";
}

}  // namespace

Value RandomImageLayer::call(Value images, CallContext& context) {
  images = op_support::to_floating(images);
  return context.training() ? augment(images, context) : unaugmented(images);
}

void RandomImageLayer::check_inputs(std::span<const Shape> inputs) const { require_rank(inputs[0], 4, "(n, h, w, c)"); }

Value RandomImageLayer::draw(CallContext& context, const Shape& shape, DrawRange range, DType dtype) const {
  const Value step = context.random_step();
  const Value uniform = ops::cast(ops::random_uniform(step, shape, context.random_stream(seed_)), dtype);
  return uniform * (range.upper - range.lower) + range.lower;
}

ConfigValue RandomImageLayer::seed_config() const { return detail::seed_config(seed_); }

RandomAffineLayer::RandomAffineLayer(const std::string& class_name, const RandomAffineOptions& options)
    : RandomImageLayer(class_name, options.seed, options.name, options.trainable), options_(options) {
  ops::image::check_options(class_name, sampling());
}

RandomColorLayer::RandomColorLayer(const std::string& class_name, const Factor& factor, double least,
                                   const RandomColorOptions& options)
    : RandomImageLayer(class_name, options.seed, options.name, options.trainable),
      range_(range_of(class_name, "factor", factor, least, 1)),
      values_(options.value_range) {}

Config RandomColorLayer::config() const {
  return LayerImpl::config()
      .set("data_format", "channels_last")
      .set("factor", std::array<double, 2>{range_.lower, range_.upper})
      .set("value_range", values_)
      .set("seed", seed_config());
}

void RandomColorLayer::check_inputs(std::span<const Shape> inputs) const {
  RandomImageLayer::check_inputs(inputs);
  require_colors(inputs[0]);
}

Value RandomColorLayer::draw_part(CallContext& context, const Value& images) const {
  return draw(context, {images.shape()[0], 1, 1, 1}, range_, images.dtype());
}

RandomColorOptions in_order(RandomColorOptions options) {
  std::sort(options.value_range.begin(), options.value_range.end());
  return options;
}

ops::image::SampleOptions RandomAffineLayer::sampling() const {
  return {.interpolation = options_.interpolation, .fill_mode = options_.fill_mode, .fill_value = options_.fill_value};
}

DrawRange range_of(std::string_view layer, std::string_view option, const Factor& factor, double least, double most) {
  double lower = std::min(factor.lower(), factor.upper()), upper = std::max(factor.lower(), factor.upper());
  if (lower >= least && upper <= most) {
    if (!factor.is_one_number()) return {lower, upper};
    return {std::max(0.0 - std::abs(upper), least + 0.0), std::abs(upper)};  // never -0
  }
  throw InvalidArgument(std::string(layer) + ": " + std::string(option) + " must lie between " + format_number(least) +
                        " and " + format_number(most) + ", got " + text_of(factor));
}

void require_colors(const Shape& images) {
  if (images[3] == 3 || images[3] == kUnknown) return;
  throw InvalidArgument("expected images of 3 channels (red, green, blue), got " + images.to_string());
}

Value rescaled(const Value& x, const std::array<double, 2>& from, const std::array<double, 2>& to) {
  return from == to ? x : (x - from[0]) / (from[1] - from[0]) * (to[1] - to[0]) + to[0];
}

Factor read_factor(ConfigReader& c, std::string_view key) {
  const ConfigValue* value = c.take(key);
  if (!value) {
    c.problem(key, "is missing");
    return 0.0;
  }
  if (const auto number = number_in(*value)) return *number;
  if (const auto* list = std::get_if<ConfigValue::List>(&value->variant()); list && list->size() == 2) {
    const auto lower = number_in(list->front()), upper = number_in(list->back());
    if (lower && upper) return {*lower, *upper};
  }
  c.problem(key, "expected a number or a list of two, got " + value->to_json());
  return 0.0;
}

std::optional<Factor> read_optional_factor(ConfigReader& c, std::string_view key) {
  const ConfigValue* value = c.take(key);
  if (!value || value->is_null()) return std::nullopt;
  return read_factor(c, key);
}

std::array<double, 2> read_value_range(ConfigReader& c) {
  if (!c.take("value_range")) return {0, 255};
  const Factor range = read_factor(c, "value_range");
  return {range.lower(), range.upper()};
}

RandomAffineOptions read_affine_options(ConfigReader& c) {
  expect_channels_last(c);
  c.ignore("value_range");  // of Keras 3.0's RandomRotation, where it does nothing
  RandomAffineOptions options;
  options.fill_mode = c.text("fill_mode", options.fill_mode);
  options.interpolation = c.text("interpolation", options.interpolation);
  options.fill_value = c.number("fill_value", options.fill_value);
  options.seed = c.seed();
  options.name = c.name();
  options.trainable = c.trainable();
  return options;
}

RandomImageOptions read_random_options(ConfigReader& c) {
  expect_channels_last(c);
  return {.seed = c.seed(), .name = c.name(), .trainable = c.trainable()};
}

RandomColorOptions read_color_options(ConfigReader& c) {
  expect_channels_last(c);
  return {.value_range = read_value_range(c), .seed = c.seed(), .name = c.name(), .trainable = c.trainable()};
}

}  // namespace detail
}  // namespace keratin
