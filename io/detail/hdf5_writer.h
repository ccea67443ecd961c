// Writing HDF5 files that Keras and every version of the HDF5 library open: plain little-endian data, no compression.
#pragma once

#include "keratin/io/detail/hdf5_bytes.h"
#include "keratin/io/detail/hdf5_tree.h"

namespace keratin::detail {

// Writes `root` and everything below it as the file `path`, atomically: whatever happens, there is the old file or the
// new one. Equal trees give equal bytes. Any thread may call it; the calls take turns, because the HDF5 library is not
// made for several threads (a program that uses it itself must not do so at the same time).
// Throws FileError when the system or the library refuses, InvalidArgument for trees that cannot be stored (names with
// '/', strings with zero bytes, datasets without data).
void write_hdf5(const std::string& path, const H5Node& root);
// The same file in memory.
H5Buffer write_hdf5_to_memory(const H5Node& root);

}  // namespace keratin::detail
