// Arguments of layers from configurations: sizes, borders and axes as Keras writes them.
#pragma once

#include "keratin/core/model/config_reader.h"
#include "keratin/core/model/layer.h"
#include "keratin/layers/axes.h"
#include "keratin/layers/layer_options.h"
#include "keratin/layers/size2d.h"

namespace keratin::detail {

// 3 or [3, 5]. Required unless `missing` is given; with it, null stands for it too.
Size2D read_size2d(ConfigReader& c, std::string_view key, const Size2D* missing = nullptr);
inline Size2D read_size2d(ConfigReader& c, std::string_view key, Size2D missing) {
  return read_size2d(c, key, &missing);
}
// 1, [1, 2] or [[1, 0], [2, 2]]
Border2D read_border2d(ConfigReader& c, std::string_view key, Border2D missing);
// A number stays a number, and a list of one a list: the configuration is the same again.
Axes read_axes(ConfigReader& c, std::string_view key, const Axes& missing);
std::vector<int> read_small_integers(ConfigReader& c, std::string_view key);
// "channels_last", the only format of data there is here.
void expect_channels_last(ConfigReader& c);
LayerOptions read_layer_options(ConfigReader& c);
// A layer or model inside another layer; empty, with problems noted, when it cannot be made.
Layer read_layer(ConfigReader& c, std::string_view key);
ConfigValue layer_config(const Layer& layer);

}  // namespace keratin::detail
