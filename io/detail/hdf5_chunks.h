// Data stored as chunks, each perhaps packed by filters.
#pragma once

#include "keratin/io/detail/hdf5_dataset.h"

namespace keratin::detail {

// Fills `raw` (dataset.raw_bytes() long, row-major) from the dataset's chunks. Throws FileError unless each chunk is
// there exactly once and unpacks to its full size.
void read_chunks(H5Source& source, const H5Dataset& dataset, std::span<std::byte> raw);

}  // namespace keratin::detail
