// Weights of models in Keras's .weights.h5 files. Most programs call Model::save_weights and Model::load_weights.
#pragma once

#include <string>

#include "keratin/core/training/model.h"

namespace keratin {

// Writes the model's variables and, when it is compiled, the optimizer's, as keras.Model.save_weights does; Keras reads
// the file. Atomic: the old file stays whole until the new one is. Throws InvalidArgument when `path` does not end in
// ".weights.h5" or the model has no weights yet, FileError when the file cannot be written.
void save_weights(const Model& model, const std::string& path);

// Reads a file of save_weights or of Keras 3. Everything is checked before anything changes: throws FileError naming
// every group, number of variables, shape and dtype that differs. The optimizer's state is taken when the model is
// compiled and the file has it for the same variables; otherwise it is left out, with a warning when the file has
// another one.
void load_weights(Model& model, const std::string& path);

}  // namespace keratin
