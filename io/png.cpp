// write_png: one header, one zlib stream of rows, one end (PNG specification, third edition).
#include <zlib.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "keratin/core/tensor/errors.h"
#include "keratin/io/detail/atomic_file.h"
#include "keratin/io/detail/deflate.h"
#include "keratin/io/image.h"

namespace keratin {
namespace {

using Bytes = std::vector<std::byte>;

void append_u32(Bytes& to, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) to.push_back(static_cast<std::byte>((value >> shift) & 0xff));
}

void append_text(Bytes& to, std::string_view text) {
  for (const char c : text) to.push_back(static_cast<std::byte>(c));
}

// Length, type, data, and a checksum over type and data.
void append_chunk(Bytes& to, std::string_view type, std::span<const std::byte> data) {
  append_u32(to, static_cast<std::uint32_t>(data.size()));
  const std::size_t begin = to.size();
  append_text(to, type);
  to.insert(to.end(), data.begin(), data.end());
  append_u32(
      to, static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(to.data() + begin), to.size() - begin)));
}

}  // namespace

void write_png(const std::string& path, const Tensor& image) {
  const Shape& shape = image.shape();
  const bool grey = image.rank() == 2 || (image.rank() == 3 && shape[2] == 1);
  const bool rgb = image.rank() == 3 && shape[2] == 3;
  constexpr std::int64_t kMaxSide = 1 << 20;
  if (!image.defined() || image.dtype() != DType::uint8 || !(grey || rgb) || shape[0] < 1 || shape[1] < 1 ||
      shape[0] > kMaxSide || shape[1] > kMaxSide) {
    throw InvalidArgument("write_png: expected a uint8 image (h, w), (h, w, 1) or (h, w, 3), got " +
                          std::string(name_of(image.dtype())) + " " + shape.to_string() + ".");
  }
  const auto height = static_cast<std::size_t>(shape[0]);
  const std::size_t row_bytes = static_cast<std::size_t>(shape[1]) * (rgb ? 3 : 1);
  const auto pixels = std::as_bytes(image.values<std::uint8_t>());
  Bytes rows;
  rows.reserve(height * (row_bytes + 1));
  for (std::size_t row = 0; row < height; ++row) {
    rows.push_back(std::byte{0});  // no filter: the images are small
    const auto line = pixels.subspan(row * row_bytes, row_bytes);
    rows.insert(rows.end(), line.begin(), line.end());
  }
  const Bytes packed = detail::zlib_pack(rows);

  Bytes header;
  append_u32(header, static_cast<std::uint32_t>(shape[1]));
  append_u32(header, static_cast<std::uint32_t>(shape[0]));
  for (const int value : {8, rgb ? 2 : 0, 0, 0, 0}) header.push_back(static_cast<std::byte>(value));  // 8 bits, colour

  Bytes png;
  append_text(png, "\x89PNG\r\n\x1a\n");
  append_chunk(png, "IHDR", header);
  constexpr std::size_t kMaxChunk = std::size_t{1} << 30;  // a chunk's length has 31 bits
  for (std::size_t at = 0; at < packed.size(); at += kMaxChunk) {
    append_chunk(png, "IDAT", std::span(packed).subspan(at, std::min(kMaxChunk, packed.size() - at)));
  }
  append_chunk(png, "IEND", {});
  detail::AtomicFile file(path);
  file.write(png);
  file.commit();
}

}  // namespace keratin
