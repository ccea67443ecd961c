// Packing with zlib: gzip for data files, zlib streams for PNG.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace keratin::detail {

// `bytes` as a gzip file without name and time: the same input gives the same output.
std::vector<std::byte> gzip(std::span<const std::byte> bytes);
// `bytes` as a zlib stream (RFC 1950).
std::vector<std::byte> zlib_pack(std::span<const std::byte> bytes);

}  // namespace keratin::detail
