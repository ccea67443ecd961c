// What the adaptive pooling layers share: they differ in the reduction.
#pragma once

#include <memory>
#include <string>

#include "keratin/layers/detail/pooling_layer.h"
#include "keratin/layers/layer_options.h"

namespace keratin::detail {

std::shared_ptr<LayerImpl> make_adaptive_pooling(const std::string& class_name, Reduce reduce, Sizes output_size,
                                                 const LayerOptions& options);

}  // namespace keratin::detail
