#include "keratin/io/detail/deflate.h"

#include <zlib.h>

#include <algorithm>
#include <memory>
#include <new>

namespace keratin::detail {
namespace {

// window_bits: 15 gives a zlib stream, 15 + 16 a gzip file.
std::vector<std::byte> pack(std::span<const std::byte> bytes, int window_bits) {
  z_stream stream{};
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
    throw std::bad_alloc();
  }
  const auto end = [](z_stream* s) { deflateEnd(s); };
  const std::unique_ptr<z_stream, decltype(end)> guard(&stream, end);
  std::vector<std::byte> packed(deflateBound(&stream, static_cast<uLong>(bytes.size())));
  std::size_t consumed = 0, produced = 0;
  int result = Z_OK;
  // zlib counts in 32 bits, so input and output go in pieces.
  constexpr std::size_t kPiece = std::size_t{1} << 30;
  while (result != Z_STREAM_END) {
    const std::size_t in = std::min(bytes.size() - consumed, kPiece);
    const std::size_t out = std::min(packed.size() - produced, kPiece);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data() + consumed));
    stream.avail_in = static_cast<uInt>(in);
    stream.next_out = reinterpret_cast<Bytef*>(packed.data() + produced);
    stream.avail_out = static_cast<uInt>(out);
    result = ::deflate(&stream, consumed + in == bytes.size() ? Z_FINISH : Z_NO_FLUSH);
    consumed += in - stream.avail_in;
    produced += out - stream.avail_out;
    if (result != Z_STREAM_END && produced == packed.size()) packed.resize(packed.size() + kPiece / 1024);
  }
  packed.resize(produced);
  return packed;
}

}  // namespace

std::vector<std::byte> gzip(std::span<const std::byte> bytes) { return pack(bytes, 15 + 16); }
std::vector<std::byte> zlib_pack(std::span<const std::byte> bytes) { return pack(bytes, 15); }

}  // namespace keratin::detail
