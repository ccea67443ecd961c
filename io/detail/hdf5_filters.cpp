#include "keratin/io/detail/hdf5_filters.h"

#include <zlib.h>

#include <algorithm>
#include <memory>
#include <new>

#include "keratin/core/tensor/errors.h"

namespace keratin::detail {
namespace {

constexpr std::size_t kChecksum = 4;

// `data` unpacked into `to`, which has the most room the result may take.
void inflate_chunk(H5Span data, H5Buffer& to) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) throw std::bad_alloc();
  const auto end = [](z_stream* s) { inflateEnd(s); };
  const std::unique_ptr<z_stream, decltype(end)> guard(&stream, end);
  // Chunks are below 4 GiB, so zlib's 32-bit counts suffice.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(data.data()));
  stream.avail_in = static_cast<uInt>(std::min<std::size_t>(data.size(), UINT32_MAX));
  stream.next_out = reinterpret_cast<Bytef*>(to.data());
  stream.avail_out = static_cast<uInt>(std::min<std::size_t>(to.size(), UINT32_MAX));
  const int result = inflate(&stream, Z_FINISH);
  if (result == Z_MEM_ERROR) throw std::bad_alloc();
  if (result == Z_BUF_ERROR && stream.avail_out == 0) {
    throw FileError("chunk of data: expected it to unpack to " + std::to_string(to.size()) + " bytes, found more");
  }
  if (result != Z_STREAM_END) {
    throw FileError(std::string("chunk of data: the packed data is damaged (") +
                    (stream.msg ? stream.msg : "it stops in the middle") + ")");
  }
  to.resize(to.size() - stream.avail_out);
}

// All first bytes of the elements came first, then all second bytes, ...; what is left over stays at the end.
void unshuffle(H5Span data, std::size_t element, H5Buffer& to) {
  to.resize(data.size());
  const std::size_t count = data.size() / element;
  for (std::size_t byte = 0; byte < element; ++byte) {
    for (std::size_t i = 0; i < count; ++i) to[i * element + byte] = data[byte * count + i];
  }
  const H5Span rest = data.subspan(count * element);
  std::copy(rest.begin(), rest.end(), to.begin() + static_cast<std::ptrdiff_t>(count * element));
}

// Fletcher's sum of big-endian 16-bit words.
std::uint32_t fletcher32(H5Span data) {
  std::uint64_t low = 0, high = 0;
  for (std::size_t i = 0; i < data.size(); i += 2) {
    const auto upper = std::to_integer<std::uint64_t>(data[i]) << 8;
    low += upper | (i + 1 < data.size() ? std::to_integer<std::uint64_t>(data[i + 1]) : 0);
    high += low;
    // Folding keeps the sums modulo 65535 without a division per word.
    low = (low & 0xffff) + (low >> 16);
    high = (high & 0xffff) + (high >> 16);
  }
  for (int i = 0; i < 2; ++i) {
    low = (low & 0xffff) + (low >> 16);
    high = (high & 0xffff) + (high >> 16);
  }
  return static_cast<std::uint32_t>(high << 16 | low);
}

void check_fletcher32(H5Buffer& data) {
  if (data.size() < kChecksum) throw FileError("chunk of data: expected a checksum, found the end");
  const H5Span body = H5Span(data).first(data.size() - kChecksum);
  H5Cursor stored(H5Span(data).last(kChecksum), "checksum");
  if (fletcher32(body) != stored.u32()) throw FileError("chunk of data: the checksum is wrong; the file is damaged");
  data.resize(body.size());
}

}  // namespace

void undo_filters(const std::vector<H5Filter>& filters, std::uint32_t mask, std::uint64_t bytes, H5Buffer& data,
                  H5Buffer& spare) {
  for (std::size_t i = filters.size(); i-- > 0;) {
    if (mask >> i & 1) continue;
    switch (filters[i].kind) {
      case H5Filter::Kind::deflate:
        // Checksums may have been added before packing.
        spare.resize(static_cast<std::size_t>(bytes) + kChecksum * filters.size());
        inflate_chunk(data, spare);
        std::swap(data, spare);
        break;
      case H5Filter::Kind::shuffle:
        unshuffle(data, filters[i].element_size, spare);
        std::swap(data, spare);
        break;
      case H5Filter::Kind::fletcher32: check_fletcher32(data); break;
    }
  }
  if (data.size() != bytes) {
    throw FileError("chunk of data: expected " + std::to_string(bytes) + " bytes, found " +
                    std::to_string(data.size()));
  }
}

}  // namespace keratin::detail
