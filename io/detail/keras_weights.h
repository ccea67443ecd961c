// The layout of Keras 3's weights: .weights.h5, and model.weights.h5 inside .keras files.
#pragma once

#include "keratin/core/training/model.h"
#include "keratin/io/detail/hdf5_reader.h"

namespace keratin::detail {

// The model's variables and, when it is compiled, the optimizer's. Throws InvalidArgument when the model has no weights
// yet.
H5Node keras_weights(const Model& model);

// Takes them from `file`, which names it in messages. Throws FileError for every group, number of variables, shape and
// dtype that differs, before anything changes. The optimizer's state is taken when the model is compiled and the file
// has it for the same variables; when the file has another one, there is a warning.
void load_keras_weights(Model& model, H5Reader& reader, const std::string& file);

// Throws InvalidArgument when the model has no weights yet.
void require_weights(const Model& model);
// Variables of the optimizer matched with `paths`, unless they are another optimizer's: then there is a warning.
struct Assignment;
void match_optimizer(const Model& model, const std::vector<std::string>& paths, const H5Node& root,
                     const std::string& file, std::vector<Assignment>& assignments);

}  // namespace keratin::detail
