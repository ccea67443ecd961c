#include "keratin/layers/merging/subtract.h"

#include "keratin/core/ops/elementwise.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/merge_layer.h"

namespace keratin {

Subtract::Subtract(const LayerOptions& options)
    : Layer(detail::make_merge("Subtract", options, 2, [](const Values& values) { return values[0] - values[1]; })) {}

Layer Subtract::from_config(ConfigReader& c) { return Subtract(detail::read_layer_options(c)); }

}  // namespace keratin
