// What the messages of an object header say: element types, sizes, where the data lies and how it is packed.
#pragma once

#include "keratin/core/tensor/shape.h"
#include "keratin/core/tensor/tensor.h"
#include "keratin/io/detail/hdf5_bytes.h"

namespace keratin::detail {

struct H5Type {
  enum class Kind : std::uint8_t { integer, real, boolean, fixed_string, variable_string };
  Kind kind = Kind::integer;
  std::uint32_t size = 0;  // bytes of one element in the file
  bool big_endian = false;
  bool is_signed = false;
  bool brain_float = false;  // bfloat16 rather than float16
  std::uint8_t padding = 0;  // of strings: 0 ends with zero, 1 filled with zeros, 2 filled with spaces
  bool is_string() const { return kind == Kind::fixed_string || kind == Kind::variable_string; }
  // The nearest of our types: float16 and bfloat16 give float32, integers below 32 bits int32 (uint8 stays),
  // uint32 and uint64 int64. For numbers only.
  DType dtype() const;
};

// Throws FileError naming the type when it holds neither numbers nor strings nor bool as h5py writes it.
H5Type parse_type(H5Span message);
// The type of a dataset that Keras marked as bfloat16, which h5py stores as two opaque bytes.
H5Type parse_bfloat16(H5Span message);

struct H5Space {
  bool is_null = false;  // no elements and no shape
  Shape shape;
  std::uint64_t count = 1;  // of elements
};

// Throws FileError when the number of elements overflows.
H5Space parse_space(H5Span message);

struct H5Filter {
  enum class Kind : std::uint16_t { deflate = 1, shuffle = 2, fletcher32 = 3 };
  Kind kind;
  std::uint32_t element_size = 0;  // shuffle's
};

// In the order in which they were applied. Throws FileError for filters other than these three.
std::vector<H5Filter> parse_filters(H5Span message);

struct H5Layout {
  enum class Kind : std::uint8_t { compact, contiguous, chunk_tree, one_chunk };
  Kind kind = Kind::contiguous;
  std::uint64_t address = kNoAddress;  // of the data, or of the tree of chunks
  std::uint64_t length = 0;            // stored bytes; unknown (0) for a chunk tree
  H5Buffer compact;                    // the data itself
  std::vector<std::uint32_t> chunk;    // the shape of a chunk, then the element's size
  std::uint32_t filter_mask = 0;       // of one_chunk: filters that were left out
};

// Throws FileError for virtual datasets and for chunk indices other than the B-tree of HDF5 before 1.10.
H5Layout parse_layout(H5Span message);

}  // namespace keratin::detail
