// The superblock, where a file starts, and object headers, the lists of messages that describe groups and datasets.
#pragma once

#include <optional>

#include "keratin/io/detail/hdf5_bytes.h"

namespace keratin::detail {

enum class H5MessageType : std::uint16_t {
  dataspace = 0x01,
  link_info = 0x02,
  datatype = 0x03,
  link = 0x06,
  external_files = 0x07,
  layout = 0x08,
  filters = 0x0B,
  attribute = 0x0C,
  continuation = 0x10,
  symbol_table = 0x11,
  attribute_info = 0x15,
};

struct H5Message {
  H5MessageType type;
  H5Span body;  // inside H5Object::blocks
};

struct H5Object {
  std::uint64_t address = 0;
  std::vector<H5Buffer> blocks;
  std::vector<H5Message> messages;

  // The message of this type or null. Throws FileError when there are several.
  const H5Message* find(H5MessageType type) const;
};

// Checks the signature, the version and the size, and returns the address of the root group's header.
// Throws FileError for what is not HDF5, is truncated, or was not closed by its writer.
std::uint64_t read_superblock(H5Source& source);

// Throws FileError for damaged headers and for messages stored elsewhere (committed types, shared messages).
H5Object read_object(H5Source& source, std::uint64_t address);

}  // namespace keratin::detail
