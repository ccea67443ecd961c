// What the layers that merge inputs element by element share: they differ in the function.
#pragma once

#include <memory>
#include <string>

#include "keratin/core/model/layer.h"
#include "keratin/layers/layer_options.h"

namespace keratin::detail {

// Gets values of equal rank that broadcast.
using Merge = Value (*)(const Values& values);
// `inputs`: how many the layer takes; -1: any number.
std::shared_ptr<LayerImpl> make_merge(const std::string& class_name, const LayerOptions& options, int inputs,
                                      Merge merge);

}  // namespace keratin::detail
