// What the layers share that disturb their input during training: they differ in how.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "keratin/core/model/layer.h"
#include "keratin/layers/regularization/noise_options.h"

namespace keratin::detail {

// x with noise; `normal` gives standard normal numbers of x's shape and dtype.
using Disturb = Value (*)(const Value& x, const Value& normal, double strength);
// `argument`: the name of the strength, "rate".
std::shared_ptr<LayerImpl> make_noise(const std::string& class_name, const char* argument, double strength,
                                      Disturb disturb, const NoiseOptions& options);

// Dropout of whole channels of inputs with `axes` spatial axes.
std::shared_ptr<LayerImpl> make_spatial_dropout(const std::string& class_name, std::size_t axes, double rate,
                                                const std::optional<std::uint64_t>& seed, const std::string& name);

}  // namespace keratin::detail
