#include "keratin/layers/merging/maximum.h"

#include "keratin/core/ops/elementwise.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/merge_layer.h"

namespace keratin {

Maximum::Maximum(const LayerOptions& options)
    : Layer(detail::make_merge("Maximum", options, -1, [](const Values& values) {
        Value result = values[0];
        for (std::size_t i = 1; i < values.size(); ++i) result = ops::maximum(result, values[i]);
        return result;
      })) {}

Layer Maximum::from_config(ConfigReader& c) { return Maximum(detail::read_layer_options(c)); }

}  // namespace keratin
