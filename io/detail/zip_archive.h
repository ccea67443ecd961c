// Zip archives: the container of .keras files. Archives are taken for hostile.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "keratin/io/detail/hdf5_bytes.h"

namespace keratin::detail {

class ZipReader {
 public:
  // Lists the members. Throws FileError when the file is missing, not a regular file or not a zip archive, when two
  // members have one name, when a name is absolute or leads out of the archive, and for too many members.
  explicit ZipReader(const std::string& file);
  ~ZipReader();
  ZipReader(const ZipReader&) = delete;
  ZipReader& operator=(const ZipReader&) = delete;

  bool contains(const std::string& member) const;
  const std::vector<std::string>& members() const { return names_; }
  // A member's bytes, at most `limit`. Throws FileError when it is missing, encrypted, packed by anything but deflate,
  // larger than its archive lets expect (a bomb), or damaged.
  H5Buffer read(const std::string& member, std::uint64_t limit = kNoAddress) const;

 private:
  struct Archive;
  std::string file_;
  std::uint64_t file_bytes_ = 0;
  std::unique_ptr<Archive> archive_;
  std::vector<std::string> names_;
};

// Writes the members (name, bytes) in this order, not compressed, as the file `path`, atomically.
// Throws FileError when the system refuses.
void write_zip(const std::string& path, std::span<const std::pair<std::string, std::span<const std::byte>>> members);

}  // namespace keratin::detail
