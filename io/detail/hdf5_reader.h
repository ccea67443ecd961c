// H5Reader: lists what an HDF5 file holds and loads datasets one by one. Files are taken for hostile: every structure
// is checked before it is followed, and nothing is allocated on a file's word alone.
//
// It does not use the HDF5 library, whose memory safety ends where a file is damaged. It reads what h5py and the
// library write for plain data, in the old and in the new format; the rest is refused by name.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "keratin/io/detail/hdf5_dataset.h"
#include "keratin/io/detail/hdf5_tree.h"

namespace keratin::detail {

struct H5Limits {
  std::size_t max_depth = 64;
  std::size_t max_objects = 1'000'000;
  // Of all tensors of the file together. Plain data is also bounded by the size of the file.
  std::uint64_t max_bytes = std::uint64_t{1} << 40;
  // Packed (deflate) data may unpack to this many times the size of the file, or to `free_bytes` if that is more.
  std::uint64_t max_ratio = 100;
  std::uint64_t free_bytes = std::uint64_t{16} << 20;
};

// All functions throw FileError: "<file>: <path in the file>: expected ..., found ...". One thread at a time.
class H5Reader {
 public:
  explicit H5Reader(const std::string& file, H5Limits limits = {});
  // A file inside another one: `length` bytes from `offset` on, as an uncompressed member of a zip archive.
  H5Reader(const std::string& file, std::uint64_t offset, std::uint64_t length, H5Limits limits = {});
  // A file in memory; `name` stands for it in messages.
  H5Reader(H5Buffer bytes, std::string name, H5Limits limits = {});

  // Groups, attributes, and the shapes and dtypes of datasets; their data is undefined. Children are sorted by name.
  const H5Node& root() const { return root_; }
  // The values of the dataset at `path`.
  Tensor load(const std::string& path);
  // Everything, values included.
  H5Node load_all();

 private:
  void list();
  void load_into(H5Node& node, const std::string& path);

  std::string file_;
  H5Limits limits_;
  std::unique_ptr<H5Source> source_;
  H5Node root_;
  std::map<std::string, H5Dataset> datasets_;  // by path: "/layers/dense/vars/0"
};

}  // namespace keratin::detail
