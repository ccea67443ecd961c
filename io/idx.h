// IDX files, the format of MNIST: a dense array of one number type, big-endian, plain or gzipped.
#pragma once

#include <cstdint>
#include <string>

#include "keratin/core/tensor/tensor.h"

namespace keratin {

struct IdxOptions {
  // A header that claims more (elements as read, in bytes) is refused before anything is allocated.
  std::int64_t max_bytes = std::int64_t{1} << 33;
};

// The array in an IDX file. Element types: unsigned byte -> uint8; signed byte, short, int -> int32; float -> float32;
// double -> float64. Gzip is recognised by content. The file is not trusted: memory grows with what the file
// really delivers, never with what its header claims. Throws FileError naming the path, what was expected and what was
// found.
Tensor read_idx(const std::string& path, const IdxOptions& options = {});

// Writes uint8, int32, float32 or float64 of rank 1 to 255, atomically; gzipped when the name ends in ".gz".
// Throws InvalidArgument for other tensors, FileError when the file cannot be written.
void write_idx(const std::string& path, const Tensor& tensor);

}  // namespace keratin
