// What several layers need: checks of options and inputs, entries of configurations, penalties on outputs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "keratin/core/model/config.h"
#include "keratin/core/model/layer.h"
#include "keratin/layers/axes.h"
#include "keratin/layers/size2d.h"

namespace keratin::detail {

// For constructors; each throws InvalidArgument as "Dense: units must be positive, got 0".
void require_positive(std::string_view layer, std::string_view option, std::int64_t value);
void require_positive(std::string_view layer, std::string_view option, Size2D value);
void require_not_negative(std::string_view layer, std::string_view option, const Border2D& value);
void require_epsilon(std::string_view layer, double epsilon);                   // positive
void require_padding_word(std::string_view layer, const std::string& padding);  // "valid" or "same"

// For check_inputs. `axes`: "(n, h, w, c)". The message proposes a Reshape when the rank is another.
void require_rank(const Shape& input, int rank, std::string_view axes);
// Rank `rank` or more.
void require_rank_from(const Shape& input, int rank, std::string_view axes);
// The size of axis `axis` must be known, and `expected` unless that is kUnknown: the size the layer was built for.
void require_size(const Shape& input, int axis, std::string_view axis_name, std::int64_t expected = kUnknown);

// The axes counted from 0, ascending. Throws InvalidArgument for none, for one named twice and for those out of range.
std::vector<int> resolve_axes(const Axes& axes, const Shape& input);

// Adds the penalty on a layer's output to the loss, divided by the number of rows as in Keras.
void add_activity_loss(const Regularizer& regularizer, const Value& output, CallContext& context);

// A seed as Keras writes it.
ConfigValue seed_config(const std::optional<std::uint64_t>& seed);

}  // namespace keratin::detail
