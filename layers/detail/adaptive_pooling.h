// What the adaptive pooling layers share: they differ in the op.
#pragma once

#include <memory>
#include <string>

#include "keratin/layers/detail/pooling_layer.h"
#include "keratin/layers/layer_options.h"

namespace keratin::detail {

using AdaptivePool = Value (*)(Value x, std::vector<std::int64_t> output_size);

std::shared_ptr<LayerImpl> make_adaptive_pooling(const std::string& class_name, AdaptivePool pool, Sizes output_size,
                                                 const LayerOptions& options);

}  // namespace keratin::detail
