// The children of a group, in each of the three ways HDF5 stores them: symbol table, link messages, dense links.
#pragma once

#include "keratin/io/detail/hdf5_object.h"

namespace keratin::detail {

struct H5Link {
  std::string name;
  std::uint64_t address = kNoAddress;  // of the child's object header
};

// True for an object that has links, or could have them.
bool is_group(const H5Object& object);

// The hard links of a group, sorted by name; at most `limit`. Throws FileError for soft, external and user-defined
// links, for two links of one name, and for names with '/' or zero bytes.
std::vector<H5Link> read_links(H5Source& source, const H5Object& group, std::size_t limit);

}  // namespace keratin::detail
