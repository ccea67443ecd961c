#include "keratin/layers/axes.h"

namespace keratin {

ConfigValue Axes::config() const { return one_ ? ConfigValue(list_.front()) : ConfigValue(list_); }

}  // namespace keratin
