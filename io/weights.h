// Weights of models in Keras's files. Most programs call Model::save_weights and Model::load_weights.
#pragma once

#include <string>

#include "keratin/core/training/model.h"

namespace keratin {

// Writes the model's variables and, when it is compiled, the optimizer's, as keras.Model.save_weights does; Keras reads
// the file. A name that ends in ".weights.h5" gives Keras 3's layout, one in ".h5" or ".hdf5" Keras 2's, without the
// optimizer. Atomic: the old file stays whole until the new one is. Throws InvalidArgument for another ending and when
// the model has no weights yet, FileError when the file cannot be written.
void save_weights(const Model& model, const std::string& path);

// Reads such a file, the weights of a ".keras" file, or those of a whole model in ".h5"; Keras 2's and 3's layouts are
// told apart by content. Everything is checked before anything changes: throws FileError naming every layer, number of
// variables, shape and dtype that differs. The optimizer's state is taken when the model is compiled and the file has
// it for the same variables; otherwise it is left out, with a warning when the file has another one.
void load_weights(Model& model, const std::string& path, const LoadWeightsOptions& options = {});

}  // namespace keratin
