// The attributes of a group or dataset.
#pragma once

#include "keratin/io/detail/hdf5_object.h"
#include "keratin/io/detail/hdf5_strings.h"
#include "keratin/io/detail/hdf5_tree.h"

namespace keratin::detail {

// All attributes, sorted by name. One of a type without use for Keratin becomes H5Unreadable; damage is a FileError.
std::vector<H5Attribute> read_attributes(H5Source& source, H5Strings& strings, const H5Object& object);

}  // namespace keratin::detail
