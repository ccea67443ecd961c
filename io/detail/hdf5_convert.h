// From numbers as a file stores them to tensors.
#pragma once

#include "keratin/io/detail/hdf5_message.h"

namespace keratin::detail {

// True when the stored bytes are the tensor's bytes.
bool is_native(const H5Type& type);

// `raw` holds shape.size() elements of `type`, a type of numbers. Throws FileError for a uint64 above 2^63 - 1.
Tensor convert(const H5Type& type, const Shape& shape, H5Span raw);

// One string of fixed length without its padding.
std::string fixed_string(const H5Type& type, H5Span raw);

}  // namespace keratin::detail
