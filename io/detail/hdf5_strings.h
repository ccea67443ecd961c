// Strings of variable length: HDF5 keeps their text in global heaps and references of 16 bytes where they belong.
#pragma once

#include <map>
#include <utility>

#include "keratin/io/detail/hdf5_bytes.h"

namespace keratin::detail {

class H5Strings {
 public:
  explicit H5Strings(H5Source& source) : source_(source), budget_(source.size()) {}

  // The text that `reference` names. Throws FileError for damage, and when all texts together are longer than the file:
  // then many references name one long text.
  std::string text(H5Span reference);

 private:
  struct Heap {
    H5Buffer bytes;
    std::vector<std::pair<std::uint32_t, H5Span>> objects;  // by number
  };
  const Heap& heap(std::uint64_t address);

  H5Source& source_;
  std::uint64_t budget_;
  // Heaps read so far: many attributes have their text in the same one.
  std::map<std::uint64_t, Heap> heaps_;
  std::uint64_t kept_bytes_ = 0;
};

}  // namespace keratin::detail
