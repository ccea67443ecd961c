#include "keratin/io/weights.h"

#include "keratin/core/tensor/errors.h"
#include "keratin/io/detail/hdf5_writer.h"
#include "keratin/io/detail/keras_weights.h"
#include "keratin/io/detail/legacy_weights.h"
#include "keratin/io/detail/zip_archive.h"

namespace keratin {
namespace {

bool is_legacy_name(const std::string& path) { return path.ends_with(".h5") || path.ends_with(".hdf5"); }

}  // namespace

void save_weights(const Model& model, const std::string& path) {
  if (path.ends_with(".weights.h5")) {
    detail::write_hdf5(path, detail::keras_weights(model));
  } else if (is_legacy_name(path)) {
    detail::H5Node root;
    detail::add_legacy_weights(model, root);
    detail::write_hdf5(path, root);
  } else {
    throw InvalidArgument("save_weights: the path must end in '.weights.h5', or in '.h5' for Keras 2's format, got '" +
                          path + "'");
  }
}

void load_weights(Model& model, const std::string& path, const LoadWeightsOptions& options) {
  const bool zip = path.ends_with(".keras");
  if (!zip && !is_legacy_name(path)) {
    throw InvalidArgument("load_weights: the path must end in '.weights.h5', '.keras' or '.h5', got '" + path + "'");
  }
  const auto load = [&](detail::H5Reader reader) {
    if (detail::is_legacy(reader.root())) {
      detail::load_legacy_weights(model, reader, path, options.by_name, true);
    } else if (options.by_name) {
      throw InvalidArgument("load_weights: only '.h5' files in Keras 2's format have the names of layers, '" + path +
                            "' is in Keras 3's");
    } else {
      detail::load_keras_weights(model, reader, path);
    }
  };
  if (!zip) return load(detail::H5Reader(path));
  load(detail::H5Reader(detail::ZipReader(path).read("model.weights.h5"), path));
}

void Model::save_weights(const std::string& path) const { keratin::save_weights(*this, path); }
void Model::load_weights(const std::string& path, const LoadWeightsOptions& options) {
  keratin::load_weights(*this, path, options);
}

}  // namespace keratin
