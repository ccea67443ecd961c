// What several layers need: checks of options and inputs, entries of configurations, penalties on outputs.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "keratin/core/model/config.h"
#include "keratin/core/model/layer.h"
#include "keratin/layers/axes.h"
#include "keratin/layers/size1d.h"
#include "keratin/layers/size2d.h"
#include "keratin/layers/size3d.h"

namespace keratin::detail {

// One number for each spatial axis.
using Sizes = std::vector<std::int64_t>;
inline Sizes sizes_of(std::int64_t size) { return {size}; }
inline Sizes sizes_of(Size2D size) { return {size.height, size.width}; }
inline Sizes sizes_of(Size3D size) { return {size.depth, size.height, size.width}; }
// "3", or "{3, 5}" for several axes.
std::string text_of_sizes(const Sizes& sizes);

// For constructors; each throws InvalidArgument as "Dense: units must be positive, got 0".
void require_positive(std::string_view layer, std::string_view option, std::int64_t value);
void require_positive(std::string_view layer, std::string_view option, const Sizes& values);
void require_epsilon(std::string_view layer, double epsilon);                     // positive
void require_rate(std::string_view layer, std::string_view option, double rate);  // 0 <= rate <= 1
void require_rate_below_one(std::string_view layer, double rate);                 // 0 <= rate < 1
// "valid" or "same", or where that is allowed "causal"
void require_padding_word(std::string_view layer, const std::string& padding, bool causal = false);

// For check_inputs. `axes`: "(n, h, w, c)". The message proposes a Reshape when the rank is another.
void require_rank(const Shape& input, int rank, std::string_view axes);
// A batch, `axes` spatial axes (one to three) and channels.
void require_spatial_axes(const Shape& input, std::size_t axes);
// Rank `rank` or more.
void require_rank_from(const Shape& input, int rank, std::string_view axes);
// The size of axis `axis` must be known, and `expected` unless that is kUnknown: the size the layer was built for.
void require_size(const Shape& input, int axis, std::string_view axis_name, std::int64_t expected = kUnknown);

// The axes counted from 0, ascending. Throws InvalidArgument for none, for one named twice and for those out of range.
std::vector<int> resolve_axes(const Axes& axes, const Shape& input);

// A weight for these axes in a shape that broadcasts to values of that rank.
Value along_axes(const Value& weight, const std::vector<int>& axes, int rank);

// The shape of the random numbers for an input: noise_shape with the input's sizes for its -1. Throws InvalidArgument
// when it does not fit.
Shape fill_noise_shape(const Shape& noise_shape, const Shape& input);

// Adds the penalty on a layer's output to the loss, divided by the number of rows as in Keras.
void add_activity_loss(const Regularizer& regularizer, const Value& output, CallContext& context);

// The configuration of a class that lies in this module of Keras's instead of keras.layers.
Config of_module(std::string module, const Config& config);

// A seed as Keras writes it.
ConfigValue seed_config(const std::optional<std::uint64_t>& seed);

}  // namespace keratin::detail
