// Models as configurations, as Keras's files hold them, and models from such configurations.
#pragma once

#include "keratin/core/model/config_reader.h"
#include "keratin/core/training/model.h"

namespace keratin {

// `keras`: of .keras files; `legacy`: of HDF5 files, whose layers have no module.
enum class ConfigFormat { keras, legacy };

// {"module", "class_name", "config", "registered_name"} of a Sequential or functional model that is built. Only keys
// that every Keras 3 knows. Throws InvalidArgument naming everything that a file cannot hold: ops outside of layers,
// classes that are not registered.
Config model_config(const Model& model, ConfigFormat format);

// The model, with new weights; empty, with problems noted, when it cannot be made. Reads Keras 3's configurations and
// Keras 2's.
Model model_from_config(const ConfigValue& config, ConfigProblems& problems);

// The arguments of compile(): {"optimizer", "loss", "loss_weights", "metrics", "weighted_metrics", ...}; null, with
// problems noted, when something cannot be held by a file. The model must be compiled.
ConfigValue compile_config(const Model& model, ConfigProblems& problems);
// Compiles the model so; notes problems and leaves it as it was when that is not possible.
void compile_from_config(Model& model, const ConfigValue& config, ConfigProblems& problems);
// Notes what of it is not supported, when there is no model that could be compiled.
void check_compile_config(const ConfigValue& config, ConfigProblems& problems);

}  // namespace keratin
