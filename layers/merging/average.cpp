#include "keratin/layers/merging/average.h"

#include "keratin/core/ops/elementwise.h"
#include "keratin/layers/detail/config_support.h"
#include "keratin/layers/detail/merge_layer.h"

namespace keratin {

Average::Average(const LayerOptions& options)
    : Layer(detail::make_merge("Average", options, -1, [](const Values& values) {
        Value sum = values[0];
        for (std::size_t i = 1; i < values.size(); ++i) sum = sum + values[i];
        return sum * (1.0 / static_cast<double>(values.size()));
      })) {}

Layer Average::from_config(ConfigReader& c) { return Average(detail::read_layer_options(c)); }

}  // namespace keratin
