// The layout of Keras 2's HDF5 files: a group for each layer, by name, with the names of its weights in order.
#pragma once

#include "keratin/core/training/model.h"
#include "keratin/io/detail/hdf5_reader.h"

namespace keratin::detail {

// Adds the weights of the model to `group`: the root of a file of weights, "model_weights" of a whole model.
void add_legacy_weights(const Model& model, H5Node& group);
// Adds the group "optimizer_weights" when the model is compiled.
void add_legacy_optimizer(const Model& model, H5Node& root);

// Whether the file has this layout; and the path of the group with the weights, "" for the root.
bool is_legacy(const H5Node& root);

// Takes the weights by order (layers with weights, one after another, as Keras does), or by the layers' names. Throws
// FileError for everything that differs, before anything changes. `with_optimizer`: also the optimizer's state.
void load_legacy_weights(Model& model, H5Reader& reader, const std::string& file, bool by_name, bool with_optimizer);

}  // namespace keratin::detail
