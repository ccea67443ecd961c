// Bounds-checked access to the bytes of an HDF5 file, which come from anybody: every offset and length is hostile
// until compared with the file's size.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace keratin::detail {

static_assert(std::endian::native == std::endian::little, "HDF5 files are read and written in the host's byte order");

using H5Buffer = std::vector<std::byte>;
using H5Span = std::span<const std::byte>;

// "No address", all bits set.
inline constexpr std::uint64_t kNoAddress = ~std::uint64_t{0};

// `text` with control characters escaped, and cut to a readable length: names in messages may be garbage.
std::string printable(std::string_view text);
// Bob Jenkins's lookup3 hash, HDF5's checksum of metadata.
std::uint32_t lookup3(H5Span bytes);

// The bytes of one HDF5 file: a file, a part of a file, or memory. Not to be used by two threads at once.
class H5Source {
 public:
  // `length` bytes of the file from `offset` on; the whole rest by default. Throws FileError when the file is missing,
  // unreadable, not a regular file, or shorter than that.
  static std::unique_ptr<H5Source> open(const std::string& path, std::uint64_t offset = 0,
                                        std::uint64_t length = kNoAddress);
  static std::unique_ptr<H5Source> memory(H5Buffer bytes);
  virtual ~H5Source() = default;
  H5Source(const H5Source&) = delete;
  H5Source& operator=(const H5Source&) = delete;

  std::uint64_t size() const { return size_; }
  // Fills `to` from `offset` on. Throws FileError naming `what` when the file ends before.
  void read(std::uint64_t offset, std::span<std::byte> to, std::string_view what);
  // The same for metadata. A sane file has each byte of it read a few times; one whose structures point at each other
  // to make the reader go round and round exhausts this budget and is refused.
  H5Buffer read_metadata(std::uint64_t offset, std::uint64_t length, std::string_view what);
  // Throws FileError unless the range lies inside the file.
  void check_range(std::uint64_t offset, std::uint64_t length, std::string_view what) const;

 protected:
  H5Source() = default;
  void set_size(std::uint64_t size);

 private:
  virtual void read_bytes(std::uint64_t offset, std::span<std::byte> to) = 0;

  std::uint64_t size_ = 0;
  std::uint64_t budget_ = 0;
};

// Reads little-endian numbers off a block from front to back; throws FileError at its end.
class H5Cursor {
 public:
  // `what` is named in errors: "object header".
  H5Cursor(H5Span bytes, std::string_view what) : bytes_(bytes), what_(what) {}

  // An unsigned number of `width` bytes, 1 to 8.
  std::uint64_t number(std::size_t width);
  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }
  H5Span take(std::uint64_t count);
  void skip(std::uint64_t count) { take(count); }
  // Text up to a zero byte, which is consumed.
  std::string c_string();
  // Throws unless the next bytes are `signature`.
  void signature(std::string_view signature);
  // Throws unless the next byte is between the two.
  std::uint8_t version(std::uint8_t lowest, std::uint8_t highest);

  std::size_t left() const { return bytes_.size() - position_; }
  std::size_t position() const { return position_; }
  [[noreturn]] void fail(const std::string& expected, const std::string& found) const;

 private:
  H5Span bytes_;
  std::string_view what_;
  std::size_t position_ = 0;
};

// Throws FileError unless the last four bytes of `block` are the checksum of the others.
void check_checksum(H5Span block, std::string_view what);

}  // namespace keratin::detail
