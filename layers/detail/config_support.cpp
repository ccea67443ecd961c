#include "keratin/layers/detail/config_support.h"
#include "keratin/core/model/config_variant.h"
#include "keratin/core/model/registry.h"
#include "keratin/core/training/detail/model_impl.h"
#include "keratin/core/training/model_config.h"

#include <limits>

namespace keratin::detail {
namespace {

// The pairs of a list of `axes` pairs; empty when it is none, with a problem noted when it seems to be meant as one.
std::vector<std::array<std::int64_t, 2>> read_pairs(ConfigReader& c, std::string_view key, const ConfigValue& value,
                                                    std::size_t axes, const char* expected) {
  const auto* list = std::get_if<ConfigValue::List>(&value.variant());
  if (!list || list->empty() || !std::holds_alternative<ConfigValue::List>(list->front().variant())) return {};
  std::vector<std::array<std::int64_t, 2>> result;
  for (const ConfigValue& item : *list) {
    const auto* pair = std::get_if<ConfigValue::List>(&item.variant());
    std::array<std::int64_t, 2> ends{};
    for (std::size_t end = 0; end < 2; ++end) {
      const auto* number = pair && pair->size() == 2 ? std::get_if<std::int64_t>(&(*pair)[end].variant()) : nullptr;
      if (!number || *number < 0 || *number > std::numeric_limits<int>::max() || list->size() != axes) {
        c.problem(key, std::string("expected ") + expected + ", got " + value.to_json());
        return std::vector<std::array<std::int64_t, 2>>(axes);
      }
      ends[end] = *number;
    }
    result.push_back(ends);
  }
  return result;
}

}  // namespace

Size2D read_size2d(ConfigReader& c, std::string_view key, const Size2D* missing) {
  const ConfigValue* value = c.take(key);
  if (missing && (!value || value->is_null())) return *missing;
  const std::vector<std::int64_t> sizes = c.integers(key);
  if (sizes.size() == 1) return sizes[0];
  if (sizes.size() == 2) return {sizes[0], sizes[1]};
  if (value && !sizes.empty()) c.problem(key, "expected one or two numbers, got " + value->to_json());
  return 1;
}

Size3D read_size3d(ConfigReader& c, std::string_view key, const Size3D* missing) {
  const ConfigValue* value = c.take(key);
  if (missing && (!value || value->is_null())) return *missing;
  const std::vector<std::int64_t> sizes = c.integers(key);
  if (sizes.size() == 1) return sizes[0];
  if (sizes.size() == 3) return {sizes[0], sizes[1], sizes[2]};
  if (value && !sizes.empty()) c.problem(key, "expected one or three numbers, got " + value->to_json());
  return 1;
}

std::int64_t read_size1d(ConfigReader& c, std::string_view key, const std::int64_t* missing) {
  const ConfigValue* value = c.take(key);
  if (missing && (!value || value->is_null())) return *missing;
  const std::vector<std::int64_t> sizes = c.integers(key);
  if (sizes.size() == 1) return sizes[0];
  if (value && !sizes.empty()) c.problem(key, "expected one number, got " + value->to_json());
  return 1;
}

Border1D read_border1d(ConfigReader& c, std::string_view key, Border1D missing) {
  const ConfigValue* value = c.take(key);
  if (!value) return missing;
  const std::vector<std::int64_t> sizes = c.integers(key);
  if (sizes.size() == 1) return sizes[0];
  if (sizes.size() == 2) return {sizes[0], sizes[1]};
  if (!sizes.empty()) c.problem(key, "expected one or two numbers, got " + value->to_json());
  return missing;
}

Border2D read_border2d(ConfigReader& c, std::string_view key, Border2D missing) {
  const ConfigValue* value = c.take(key);
  if (!value) return missing;
  const auto pairs = read_pairs(c, key, *value, 2, "[[top, bottom], [left, right]]");
  if (!pairs.empty()) return {pairs[0], pairs[1]};
  const Size2D both = read_size2d(c, key);
  return {both.height, both.width};
}

Border3D read_border3d(ConfigReader& c, std::string_view key, Border3D missing) {
  const ConfigValue* value = c.take(key);
  if (!value) return missing;
  const auto pairs = read_pairs(c, key, *value, 3, "[[front, back], [top, bottom], [left, right]]");
  if (!pairs.empty()) return {pairs[0], pairs[1], pairs[2]};
  const Size3D both = read_size3d(c, key);
  return {both.depth, both.height, both.width};
}

std::vector<int> read_small_integers(ConfigReader& c, std::string_view key) {
  std::vector<int> result;
  // The reader gives no numbers that are too large for an int.
  for (std::int64_t number : c.integers(key, std::vector<std::int64_t>{})) result.push_back(static_cast<int>(number));
  return result;
}

Axes read_axes(ConfigReader& c, std::string_view key, const Axes& missing) {
  const ConfigValue* value = c.take(key);
  if (!value) return missing;
  std::vector<int> axes = read_small_integers(c, key);
  if (std::holds_alternative<ConfigValue::List>(value->variant())) return Axes(std::move(axes));
  return axes.empty() ? missing : Axes(axes.front());
}

void expect_channels_last(ConfigReader& c) {
  const ConfigValue* value = c.take("data_format");
  const auto* text = value ? std::get_if<std::string>(&value->variant()) : nullptr;
  if (!value || value->is_null() || (text && *text == "channels_last")) return;
  c.problem("data_format", value->to_json() + " is not supported; only channels_last is: convert the model in Keras");
}

LayerOptions read_layer_options(ConfigReader& c) { return {.name = c.name(), .trainable = c.trainable()}; }

Layer read_layer(ConfigReader& c, std::string_view key) {
  const ConfigValue* value = c.take(key);
  if (!value) {
    c.problem(key, "a layer is required");
    return {};
  }
  const auto* object = std::get_if<ConfigValue::Object>(&value->variant());
  const ConfigValue* name = object ? (*object)->find("class_name") : nullptr;
  const auto* text = name ? std::get_if<std::string>(&name->variant()) : nullptr;
  if (text && (*text == "Sequential" || *text == "Functional" || *text == "Model")) {
    return model_from_config(*value, c.problems());
  }
  return make_layer(*value, c.problems());
}

ConfigValue layer_config(const Layer& layer) {
  const auto model = std::dynamic_pointer_cast<ModelImpl>(layer.pointer());
  return model ? model_config(Model(model), ConfigFormat::keras) : layer.config();
}

}  // namespace keratin::detail
