// Dense storage: where HDF5's newer format keeps the links of a large group, or an object's many attributes.
// A fractal heap holds them as opaque blocks of bytes; a version 2 B-tree lists the heap's ids.
#pragma once

#include <functional>

#include "keratin/io/detail/hdf5_bytes.h"

namespace keratin::detail {

// Calls `visit` with each object of the heap that the tree lists. `heap_id_at` is where a record of the tree keeps the
// object's id (4 for links by name, 0 for attributes by name), `record_type` what the tree must hold (5 and 8).
// `visit` must not keep the bytes. Throws FileError for damage, huge objects and packed heaps.
void read_dense(H5Source& source, std::uint64_t heap_address, std::uint64_t tree_address, int record_type,
                std::size_t heap_id_at, const std::function<void(H5Span)>& visit);

}  // namespace keratin::detail
