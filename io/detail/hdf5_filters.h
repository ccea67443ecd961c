// Undoing the filters of a chunk: deflate (gzip), shuffle and fletcher32.
#pragma once

#include "keratin/io/detail/hdf5_message.h"

namespace keratin::detail {

// `data` goes in as stored and comes out as `bytes` bytes; bit i of `mask` says that filter i was left out.
// `spare` is memory to be used again. Throws FileError for damage and for any other size.
void undo_filters(const std::vector<H5Filter>& filters, std::uint32_t mask, std::uint64_t bytes, H5Buffer& data,
                  H5Buffer& spare);

}  // namespace keratin::detail
