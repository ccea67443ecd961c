#include "keratin/layers/merging/multiply.h"

#include "keratin/core/ops/elementwise.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/merge_layer.h"

namespace keratin {

Multiply::Multiply(const LayerOptions& options)
    : Layer(detail::make_merge("Multiply", options, -1, [](const Values& values) {
        Value result = values[0];
        for (std::size_t i = 1; i < values.size(); ++i) result = ops::multiply(result, values[i]);
        return result;
      })) {}

Layer Multiply::from_config(ConfigReader& c) { return Multiply(detail::read_layer_options(c)); }

}  // namespace keratin
