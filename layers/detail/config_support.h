// Arguments of layers from configurations: sizes, borders and axes as Keras writes them.
#pragma once

#include "keratin/core/model/config_reader.h"
#include "keratin/core/model/layer.h"
#include "keratin/layers/axes.h"
#include "keratin/layers/layer_options.h"
#include "keratin/layers/size1d.h"
#include "keratin/layers/size2d.h"
#include "keratin/layers/size3d.h"

namespace keratin::detail {

// 3 or [3, 5]. Required unless `missing` is given; with it, null stands for it too.
Size2D read_size2d(ConfigReader& c, std::string_view key, const Size2D* missing = nullptr);
inline Size2D read_size2d(ConfigReader& c, std::string_view key, Size2D missing) {
  return read_size2d(c, key, &missing);
}
// 3 or [3]
std::int64_t read_size1d(ConfigReader& c, std::string_view key, const std::int64_t* missing = nullptr);
inline std::int64_t read_size1d(ConfigReader& c, std::string_view key, std::int64_t missing) {
  return read_size1d(c, key, &missing);
}
// 3 or [3, 5, 5]
Size3D read_size3d(ConfigReader& c, std::string_view key, const Size3D* missing = nullptr);
inline Size3D read_size3d(ConfigReader& c, std::string_view key, Size3D missing) {
  return read_size3d(c, key, &missing);
}
// A size of whatever kind; `size` stays when the argument is missing or null.
inline void read_size(ConfigReader& c, std::string_view key, std::int64_t& size) { size = read_size1d(c, key, &size); }
inline void read_size(ConfigReader& c, std::string_view key, Size2D& size) { size = read_size2d(c, key, &size); }
inline void read_size(ConfigReader& c, std::string_view key, Size3D& size) { size = read_size3d(c, key, &size); }
// 1 or [1, 2]
Border1D read_border1d(ConfigReader& c, std::string_view key, Border1D missing);
// 1, [1, 2] or [[1, 0], [2, 2]]
Border2D read_border2d(ConfigReader& c, std::string_view key, Border2D missing);
// 1, [1, 2, 3] or [[1, 0], [2, 2], [0, 1]]
Border3D read_border3d(ConfigReader& c, std::string_view key, Border3D missing);
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
