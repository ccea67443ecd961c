// One dataset of a file: what its header says of it, checked, and its values.
#pragma once

#include "keratin/io/detail/hdf5_message.h"
#include "keratin/io/detail/hdf5_object.h"

namespace keratin::detail {

struct H5Dataset {
  H5Type type;
  Shape shape;
  std::uint64_t count = 0;  // of elements
  H5Layout layout;
  std::vector<H5Filter> filters;

  std::uint64_t raw_bytes() const { return count * type.size; }
  // The data unpacked: the tensor, or all chunks when these are larger.
  std::uint64_t unpacked_bytes() const;
  // For data stored as chunks: the bytes of one, and their number.
  std::uint64_t chunk_bytes() const;
  std::uint64_t chunk_count() const;
  bool is_chunked() const { return !layout.chunk.empty(); }
  // The bytes of the file that the data takes at least; the whole of it unless it is filtered.
  std::uint64_t least_stored_bytes() const;
};

// Throws FileError for external and virtual storage, for types other than numbers, bool and strings, and for data that
// does not lie inside the file in full. `keras_dtype` is the dataset's attribute "dtype", or empty.
H5Dataset parse_dataset(const H5Source& source, const H5Object& object, std::string_view keras_dtype);

// Throws FileError for strings and for damaged chunks.
Tensor load_dataset(H5Source& source, const H5Dataset& dataset);

}  // namespace keratin::detail
