#include "keratin/io/detail/hdf5_writer.h"

#include "keratin/core/tensor/errors.h"
#include "keratin/io/detail/atomic_file.h"
#include "keratin/io/detail/hdf5_handle.h"

namespace keratin::detail {
namespace {

H5Handle property_list(hid_t of) { return H5Handle(H5Pcreate(of), H5Pclose, "prepare an HDF5 call"); }

hid_t plain_type(DType dtype) {
  switch (dtype) {
    case DType::float32: return H5T_IEEE_F32LE;
    case DType::float64: return H5T_IEEE_F64LE;
    case DType::int32: return H5T_STD_I32LE;
    case DType::int64: return H5T_STD_I64LE;
    case DType::uint8: return H5T_STD_U8LE;
    case DType::boolean: break;
  }
  return H5T_STD_I8LE;
}

H5Handle file_type(DType dtype) {
  if (dtype != DType::boolean) return H5Handle(H5Tcopy(plain_type(dtype)), H5Tclose, "make a datatype");
  // What h5py reads as bool.
  H5Handle type(H5Tenum_create(H5T_STD_I8LE), H5Tclose, "make a datatype");
  signed char value = 0;
  check_h5(H5Tenum_insert(type, "FALSE", &value), "make a datatype");
  value = 1;
  check_h5(H5Tenum_insert(type, "TRUE", &value), "make a datatype");
  return type;
}

H5Handle space_of(const Shape& shape) {
  if (shape.rank() == 0) return H5Handle(H5Screate(H5S_SCALAR), H5Sclose, "make a dataspace");
  const std::vector<hsize_t> dims(shape.begin(), shape.end());
  return H5Handle(H5Screate_simple(shape.rank(), dims.data(), nullptr), H5Sclose,
                  "make a dataspace of shape " + shape.to_string());
}

// The text as the library takes it: ended by zero.
const char* c_text(const std::string& text, const std::string& where) {
  if (text.find('\0') != std::string::npos) {
    throw InvalidArgument("HDF5: " + where + ": a string with a zero byte cannot be stored");
  }
  return text.c_str();
}

class TreeWriter {
 public:
  TreeWriter()
      : named_in_utf8_(property_list(H5P_LINK_CREATE)),
        attribute_options_(property_list(H5P_ATTRIBUTE_CREATE)),
        group_options_(property_list(H5P_GROUP_CREATE)),
        dataset_options_(property_list(H5P_DATASET_CREATE)),
        text_type_(H5Tcopy(H5T_C_S1), H5Tclose, "make a datatype") {
    const std::string action = "prepare an HDF5 call";
    check_h5(H5Pset_char_encoding(named_in_utf8_, H5T_CSET_UTF8), action);
    check_h5(H5Pset_char_encoding(attribute_options_, H5T_CSET_UTF8), action);
    // Times would make equal files differ.
    check_h5(H5Pset_obj_track_times(group_options_, false), action);
    check_h5(H5Pset_obj_track_times(dataset_options_, false), action);
    check_h5(H5Pset_layout(dataset_options_, H5D_CONTIGUOUS), action);
    check_h5(H5Pset_fill_time(dataset_options_, H5D_FILL_TIME_NEVER), action);
    check_h5(H5Tset_size(text_type_, H5T_VARIABLE), action);
    check_h5(H5Tset_cset(text_type_, H5T_CSET_UTF8), action);
  }

  // Everything in `node` into the open group or file `id`.
  void write(hid_t id, const H5Node& node, const std::string& path) {
    for (const H5Attribute& attribute : node.attributes) write_attribute(id, attribute, path);
    for (const H5Node& child : node.children) {
      const std::string below = path + "/" + child.name;
      check_name(child.name, below);
      if (child.is_dataset) {
        write_dataset(id, child, below);
      } else {
        H5Handle group(H5Gcreate2(id, child.name.c_str(), named_in_utf8_, group_options_, H5P_DEFAULT), H5Gclose,
                       "create the group '" + below + "'");
        write(group, child, below);
      }
    }
  }

 private:
  static void check_name(const std::string& name, const std::string& path) {
    c_text(name, path);
    if (name.empty() || name == "." || name.find('/') != std::string::npos) {
      throw InvalidArgument("HDF5: '" + path + "': '" + name + "' cannot be the name of a group or dataset");
    }
  }

  void write_dataset(hid_t parent, const H5Node& node, const std::string& path) {
    if (!node.data.defined()) throw InvalidArgument("HDF5: the dataset '" + path + "' has no data");
    const H5Handle type = file_type(node.data.dtype()), space = space_of(node.data.shape());
    const H5Handle dataset(
        H5Dcreate2(parent, node.name.c_str(), type, space, named_in_utf8_, dataset_options_, H5P_DEFAULT), H5Dclose,
        "create the dataset '" + path + "'");
    if (node.data.size() > 0) {
      check_h5(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, node.data.raw()),
               "write the dataset '" + path + "'");
    }
    for (const H5Attribute& attribute : node.attributes) write_attribute(dataset, attribute, path);
  }

  void write_attribute(hid_t owner, const H5Attribute& attribute, const std::string& path) {
    const std::string where = (path.empty() ? "/" : path) + ": attribute '" + attribute.name + "'";
    c_text(attribute.name, where);
    if (const auto* text = std::get_if<std::string>(&attribute.value)) {
      const char* pointer = c_text(*text, where);
      put(owner, attribute.name, text_type_, space_of({}), &pointer, where);
    } else if (const auto* list = std::get_if<std::vector<std::string>>(&attribute.value)) {
      std::vector<const char*> pointers;
      for (const std::string& item : *list) pointers.push_back(c_text(item, where));
      const Shape shape{static_cast<std::int64_t>(list->size())};
      put(owner, attribute.name, text_type_, space_of(shape), list->empty() ? nullptr : pointers.data(), where);
    } else if (const auto* numbers = std::get_if<Tensor>(&attribute.value)) {
      if (!numbers->defined()) throw InvalidArgument("HDF5: " + where + " has no value");
      put(owner, attribute.name, file_type(numbers->dtype()), space_of(numbers->shape()),
          numbers->size() > 0 ? numbers->raw() : nullptr, where);
    } else {
      throw InvalidArgument("HDF5: " + where + " came from a file in a type that cannot be written");
    }
  }

  void put(hid_t owner, const std::string& name, hid_t type, const H5Handle& space, const void* value,
           const std::string& where) {
    const H5Handle attribute(H5Acreate2(owner, name.c_str(), type, space, attribute_options_, H5P_DEFAULT), H5Aclose,
                             "create " + where);
    if (value) check_h5(H5Awrite(attribute, type, value), "write " + where);
  }

  H5Handle named_in_utf8_, attribute_options_, group_options_, dataset_options_, text_type_;
};

// Writes the tree into a new file that `access` places on disk or in memory, and gives `finish` the open file.
template <class Finish>
void write_tree(const std::string& name, hid_t access, const H5Node& root, Finish finish) {
  if (root.is_dataset) throw InvalidArgument("HDF5: the root of a file must be a group, not a dataset");
  const H5Handle creation = property_list(H5P_FILE_CREATE);
  check_h5(H5Pset_obj_track_times(creation, false), "prepare an HDF5 call");
  // Closing the file must close it, whatever is still open inside.
  check_h5(H5Pset_fclose_degree(access, H5F_CLOSE_STRONG), "prepare an HDF5 call");
  H5Handle file(H5Fcreate(name.c_str(), H5F_ACC_TRUNC, creation, access), H5Fclose, "create the file");
  TreeWriter().write(file, root, "");
  check_h5(H5Fflush(file, H5F_SCOPE_GLOBAL), "write the file");
  finish(file);
  file.close("close the file");
}

}  // namespace

void write_hdf5(const std::string& path, const H5Node& root) {
  AtomicFile target(path);
  try {
    const H5Session session;
    const H5Handle access = property_list(H5P_FILE_ACCESS);
#if H5_VERSION_GE(1, 10, 7)
    // Nobody else knows the temporary file, and some network file systems cannot lock.
    check_h5(H5Pset_file_locking(access, false, true), "prepare an HDF5 call");
#endif
    write_tree(target.temporary_path(), access, root, [](hid_t) {});
  } catch (const FileError& error) {
    error.rethrow_in(path);
  }
  target.commit();
}

H5Buffer write_hdf5_to_memory(const H5Node& root) {
  const H5Session session;
  const H5Handle access = property_list(H5P_FILE_ACCESS);
  constexpr std::size_t kGrowth = std::size_t{1} << 20;
  check_h5(H5Pset_fapl_core(access, kGrowth, false), "prepare an HDF5 call");
  H5Buffer bytes;
  // The name is not used for anything but must be there.
  write_tree("keratin-memory.h5", access, root, [&](hid_t file) {
    const ssize_t size = H5Fget_file_image(file, nullptr, 0);
    if (size < 0) throw_h5_error("read the file from memory");
    bytes.resize(static_cast<std::size_t>(size));
    if (H5Fget_file_image(file, bytes.data(), bytes.size()) != size) throw_h5_error("read the file from memory");
  });
  return bytes;
}

}  // namespace keratin::detail
