#include "keratin/io/detail/hdf5_dataset.h"

#include <algorithm>

#include "keratin/core/tensor/errors.h"
#include "keratin/io/detail/hdf5_chunks.h"
#include "keratin/io/detail/hdf5_convert.h"

namespace keratin::detail {
namespace {

// The densest that deflate packs: 258 bytes in a quarter of a byte (zlib's documentation: 1032:1).
constexpr std::uint64_t kDeflateRatio = 1032;

const H5Message& require(const H5Object& object, H5MessageType type, const char* name) {
  const H5Message* message = object.find(type);
  if (!message) throw FileError(std::string("object header: expected a ") + name + ", found none");
  return *message;
}

void check_chunks(const H5Dataset& dataset) {
  const std::vector<std::uint32_t>& chunk = dataset.layout.chunk;
  if (chunk.size() != static_cast<std::size_t>(dataset.shape.rank()) + 1 || chunk.back() != dataset.type.size) {
    throw FileError("data layout: expected chunks of rank " + std::to_string(dataset.shape.rank()) +
                    " and elements of " + std::to_string(dataset.type.size) + " bytes, found rank " +
                    std::to_string(chunk.size() - 1) + " and " + std::to_string(chunk.back()) + " bytes");
  }
  std::uint64_t bytes = 1;
  for (const std::uint32_t size : chunk) {
    if (__builtin_mul_overflow(bytes, std::uint64_t{size}, &bytes)) break;
    if (bytes > UINT32_MAX) break;  // HDF5's own limit
  }
  if (bytes > UINT32_MAX) throw FileError("data layout: expected chunks below 4 GiB, found larger ones");
  for (const H5Filter& filter : dataset.filters) {
    if (filter.kind == H5Filter::Kind::shuffle && filter.element_size != dataset.type.size) {
      throw FileError("filters: expected shuffle for elements of " + std::to_string(dataset.type.size) +
                      " bytes, found " + std::to_string(filter.element_size));
    }
  }
}

void check_storage(const H5Source& source, const H5Dataset& dataset) {
  const H5Layout& layout = dataset.layout;
  if (dataset.count == 0) return;
  if (dataset.is_chunked() || !dataset.filters.empty()) {
    if (!dataset.is_chunked()) throw FileError("filters: expected a chunked dataset, found a plain one");
    check_chunks(dataset);
  }
  if (layout.kind != H5Layout::Kind::compact && layout.address == kNoAddress) {
    throw FileError("expected " + std::to_string(dataset.raw_bytes()) +
                    " bytes of data, found none; its values were never written");
  }
  if (!dataset.is_chunked() && layout.length != dataset.raw_bytes()) {
    throw FileError("expected " + std::to_string(dataset.raw_bytes()) + " bytes of data for shape " +
                    dataset.shape.to_string() + ", found " + std::to_string(layout.length));
  }
  if (layout.kind == H5Layout::Kind::contiguous) source.check_range(layout.address, layout.length, "data");
  if (dataset.least_stored_bytes() > source.size()) {
    throw FileError("expected at least " + std::to_string(dataset.least_stored_bytes()) + " bytes of data for shape " +
                    dataset.shape.to_string() + ", found a file of " + std::to_string(source.size()) + " bytes");
  }
}

}  // namespace

std::uint64_t H5Dataset::chunk_bytes() const {
  std::uint64_t bytes = 1;
  for (const std::uint32_t size : layout.chunk) bytes *= size;
  return bytes;
}

std::uint64_t H5Dataset::chunk_count() const {
  std::uint64_t chunks = 1;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const std::uint64_t size = layout.chunk[static_cast<std::size_t>(axis)];
    chunks *= (static_cast<std::uint64_t>(shape[axis]) + size - 1) / size;
  }
  return chunks;
}

std::uint64_t H5Dataset::unpacked_bytes() const {
  const std::uint64_t tensor = type.is_string() ? raw_bytes() : count * size_of(type.dtype());
  if (!is_chunked() || count == 0) return tensor;
  std::uint64_t chunks = 0;
  if (__builtin_mul_overflow(chunk_count(), chunk_bytes(), &chunks)) return kNoAddress;
  return std::max(tensor, chunks);
}

std::uint64_t H5Dataset::least_stored_bytes() const {
  if (count == 0) return 0;
  if (!is_chunked()) return raw_bytes();
  // An edge chunk is stored in full, so this cannot overflow where the product of whole chunks could.
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(chunk_count(), chunk_bytes(), &bytes)) return kNoAddress;
  bool packed = false;
  for (const H5Filter& filter : filters) packed |= filter.kind == H5Filter::Kind::deflate;
  return packed ? bytes / kDeflateRatio : bytes;
}

H5Dataset parse_dataset(const H5Source& source, const H5Object& object, std::string_view keras_dtype) {
  H5Dataset dataset;
  if (object.find(H5MessageType::external_files)) {
    throw FileError("expected data in the file itself, found external storage (the data lies in other files)");
  }
  dataset.layout = parse_layout(require(object, H5MessageType::layout, "data layout").body);
  const H5Span type = require(object, H5MessageType::datatype, "datatype").body;
  dataset.type = keras_dtype == "bfloat16" ? parse_bfloat16(type) : parse_type(type);
  H5Space space = parse_space(require(object, H5MessageType::dataspace, "dataspace").body);
  if (space.is_null) throw FileError("expected a dataset with values, found an empty one (a null dataspace)");
  dataset.shape = std::move(space.shape);
  dataset.count = space.count;
  // Room for the factors below: the element's size, and that of the tensor's.
  if (dataset.count > static_cast<std::uint64_t>(INT64_MAX) / (std::uint64_t{8} * dataset.type.size)) {
    throw FileError("expected a dataset that fits in memory, found shape " + dataset.shape.to_string());
  }
  if (const H5Message* filters = object.find(H5MessageType::filters)) dataset.filters = parse_filters(filters->body);
  check_storage(source, dataset);
  return dataset;
}

Tensor load_dataset(H5Source& source, const H5Dataset& dataset) {
  const H5Layout& layout = dataset.layout;
  if (dataset.type.is_string()) throw FileError("expected a dataset of numbers or bool, found strings");
  if (dataset.count == 0) return Tensor(dataset.shape, dataset.type.dtype());
  if (layout.kind == H5Layout::Kind::compact) return convert(dataset.type, dataset.shape, layout.compact);
  if (layout.kind == H5Layout::Kind::contiguous && is_native(dataset.type)) {
    Tensor result(dataset.shape, dataset.type.dtype());
    source.read(layout.address, {static_cast<std::byte*>(result.raw()), result.bytes()}, "data");
    return result;
  }
  H5Buffer raw(static_cast<std::size_t>(dataset.raw_bytes()));
  if (layout.kind == H5Layout::Kind::contiguous) {
    source.read(layout.address, raw, "data");
  } else {
    read_chunks(source, dataset, raw);
  }
  return convert(dataset.type, dataset.shape, raw);
}

}  // namespace keratin::detail
