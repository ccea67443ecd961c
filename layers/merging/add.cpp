#include "keratin/layers/merging/add.h"

#include "keratin/core/ops/elementwise.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/merge_layer.h"

namespace keratin {

Add::Add(const LayerOptions& options)
    : Layer(detail::make_merge("Add", options, -1, [](const Values& values) {
        Value result = values[0];
        for (std::size_t i = 1; i < values.size(); ++i) result = ops::add(result, values[i]);
        return result;
      })) {}

Layer Add::from_config(ConfigReader& c) { return Add(detail::read_layer_options(c)); }

}  // namespace keratin
