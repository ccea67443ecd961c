#include "keratin/layers/merging/minimum.h"

#include "keratin/core/ops/elementwise.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/merge_layer.h"

namespace keratin {

Minimum::Minimum(const LayerOptions& options)
    : Layer(detail::make_merge("Minimum", options, -1, [](const Values& values) {
        Value result = values[0];
        for (std::size_t i = 1; i < values.size(); ++i) result = ops::minimum(result, values[i]);
        return result;
      })) {}

Layer Minimum::from_config(ConfigReader& c) { return Minimum(detail::read_layer_options(c)); }

}  // namespace keratin
