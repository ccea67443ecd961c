#include "keratin/io/detail/hdf5_reader.h"

#include <algorithm>
#include <unordered_set>

#include "keratin/core/tensor/errors.h"
#include "keratin/io/detail/hdf5_attributes.h"
#include "keratin/io/detail/hdf5_links.h"

namespace keratin::detail {
namespace {

std::string shown(const std::string& path) { return printable(path.empty() ? "/" : path); }

// Walks all links from the root on.
class Lister {
 public:
  Lister(H5Source& source, const H5Limits& limits, std::map<std::string, H5Dataset>& datasets)
      : source_(source), limits_(limits), datasets_(datasets), strings_(source) {}

  void list(H5Node& node, const std::string& path, std::uint64_t address, std::size_t depth) {
    std::vector<H5Link> links;
    try {
      if (depth > limits_.max_depth) {
        throw FileError("expected at most " + std::to_string(limits_.max_depth) +
                        " groups inside each other, found more");
      }
      if (!visited_.insert(address).second) {
        throw FileError("expected a tree, found a second link to the same group or dataset (a hard link or a cycle)");
      }
      links = list_object(node, path, read_object(source_, address));
    } catch (const FileError& error) {
      error.rethrow_in(shown(path));
    }
    for (const H5Link& link : links) {
      H5Node& child = node.children.emplace_back();
      child.name = link.name;
      list(child, path + "/" + link.name, link.address, depth + 1);
    }
  }

 private:
  // Fills in the node itself and returns its links.
  std::vector<H5Link> list_object(H5Node& node, const std::string& path, const H5Object& object) {
    node.attributes = read_attributes(source_, strings_, object);
    if (is_group(object)) {
      std::vector<H5Link> links =
          read_links(source_, object, limits_.max_objects - std::min(objects_, limits_.max_objects));
      objects_ += links.size();
      return links;
    }
    if (!object.find(H5MessageType::layout)) {
      throw FileError("expected a group or a dataset, found something else (a committed datatype, perhaps)");
    }
    H5Dataset dataset = parse_dataset(source_, object, keras_dtype(node));
    count(dataset);
    node.is_dataset = true;
    node.is_text = dataset.type.is_string();
    node.shape = dataset.shape;
    node.dtype = dataset.type.dtype();
    datasets_.emplace(path, std::move(dataset));
    return {};
  }

  static std::string_view keras_dtype(const H5Node& node) {
    for (const H5Attribute& attribute : node.attributes) {
      const auto* text = std::get_if<std::string>(&attribute.value);
      if (attribute.name == "dtype" && text) return *text;
    }
    return "";
  }

  void count(const H5Dataset& dataset) {
    const std::uint64_t stored = dataset.least_stored_bytes(), unpacked = dataset.unpacked_bytes();
    if (stored > source_.size() - stored_) {
      throw FileError("expected datasets that lie beside each other, found more data than the file holds");
    }
    stored_ += stored;
    if (unpacked > limits_.max_bytes - std::min(limits_.max_bytes, unpacked_)) {
      throw FileError("expected at most " + std::to_string(limits_.max_bytes) + " bytes of data in all, found more");
    }
    unpacked_ += unpacked;
    if (!dataset.is_chunked()) return;
    const std::uint64_t most =
        std::max(limits_.free_bytes, source_.size() * std::min(limits_.max_ratio, INT64_MAX / (source_.size() + 1)));
    if (unpacked > most - std::min(most, from_chunks_)) {
      throw FileError("expected packed data that unpacks to at most " + std::to_string(limits_.max_ratio) +
                      " times the size of the file, found shape " + dataset.shape.to_string() + " in a file of " +
                      std::to_string(source_.size()) + " bytes; save it without compression");
    }
    from_chunks_ += unpacked;
  }

  H5Source& source_;
  const H5Limits& limits_;
  std::map<std::string, H5Dataset>& datasets_;
  H5Strings strings_;
  std::unordered_set<std::uint64_t> visited_;
  std::size_t objects_ = 0;
  std::uint64_t stored_ = 0, unpacked_ = 0, from_chunks_ = 0;
};

template <class F>
auto with_file_name(const std::string& file, F&& f) {
  try {
    return f();
  } catch (const FileError& error) {
    error.rethrow_in(file);
  }
}

}  // namespace

H5Reader::H5Reader(const std::string& file, H5Limits limits) : H5Reader(file, 0, kNoAddress, limits) {}

H5Reader::H5Reader(const std::string& file, std::uint64_t offset, std::uint64_t length, H5Limits limits)
    : file_(file), limits_(limits) {
  source_ = with_file_name(file_, [&] { return H5Source::open(file, offset, length); });
  list();
}

H5Reader::H5Reader(H5Buffer bytes, std::string name, H5Limits limits)
    : file_(std::move(name)), limits_(limits), source_(H5Source::memory(std::move(bytes))) {
  list();
}

void H5Reader::list() {
  with_file_name(file_, [&] { Lister(*source_, limits_, datasets_).list(root_, "", read_superblock(*source_), 0); });
}

Tensor H5Reader::load(const std::string& path) {
  const std::string full = path.starts_with('/') ? path : "/" + path;
  return with_file_name(file_, [&]() -> Tensor {
    try {
      const auto found = datasets_.find(full);
      if (found == datasets_.end()) throw FileError("expected a dataset, found none of this name");
      return load_dataset(*source_, found->second);
    } catch (const FileError& error) {
      error.rethrow_in(shown(full));
    }
  });
}

H5Node H5Reader::load_all() {
  H5Node all = root_;
  load_into(all, "");
  return all;
}

void H5Reader::load_into(H5Node& node, const std::string& path) {
  if (node.is_dataset) node.data = load(path);
  for (H5Node& child : node.children) load_into(child, path + "/" + child.name);
}

}  // namespace keratin::detail
