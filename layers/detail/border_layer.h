// What the layers share that change the sizes of the spatial axes without computing: padding, cropping, repeating.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "keratin/core/model/layer.h"
#include "keratin/layers/detail/layer_support.h"
#include "keratin/layers/layer_options.h"

namespace keratin::detail {

// What is added or cut before and after each spatial axis.
using Borders = std::vector<std::array<std::int64_t, 2>>;

// Throw InvalidArgument for negative numbers. `data_format`: whether the class has had that argument since Keras 3.0.
std::shared_ptr<LayerImpl> make_zero_padding(const std::string& class_name, Borders borders, bool data_format,
                                             const LayerOptions& options);
std::shared_ptr<LayerImpl> make_cropping(const std::string& class_name, Borders borders, bool data_format,
                                         const LayerOptions& options);
// Each element size[i] times in a row. Throws InvalidArgument for sizes that are not positive.
std::shared_ptr<LayerImpl> make_repeating(const std::string& class_name, Sizes size, bool data_format,
                                          const LayerOptions& options);

// x: (n, spatial..., c)
Value repeat_elements(const Value& x, const Sizes& size);

}  // namespace keratin::detail
