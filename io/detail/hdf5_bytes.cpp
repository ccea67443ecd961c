#include "keratin/io/detail/hdf5_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "keratin/core/tensor/errors.h"

namespace keratin::detail {
namespace {

class FileSource : public H5Source {
 public:
  FileSource(const std::string& path, std::uint64_t offset, std::uint64_t length) : offset_(offset) {
    // Non-blocking, because opening a pipe that nobody writes to would wait forever.
    descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor_ < 0) throw FileError("cannot be opened: " + system_text());
    try {
      measure(length);
    } catch (...) {
      ::close(descriptor_);
      throw;
    }
  }
  ~FileSource() override { ::close(descriptor_); }

 private:
  static std::string system_text() { return std::generic_category().message(errno); }

  void measure(std::uint64_t length) {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) throw FileError("cannot be read: " + system_text());
    if (!S_ISREG(status.st_mode)) {
      throw FileError(std::string("expected a file, found a ") +
                      (S_ISDIR(status.st_mode) ? "folder" : "device, pipe or socket"));
    }
    const auto whole = static_cast<std::uint64_t>(status.st_size);
    if (offset_ > whole || (length != kNoAddress && length > whole - offset_)) {
      throw FileError("expected " + std::to_string(length) + " bytes at offset " + std::to_string(offset_) +
                      ", found a file of " + std::to_string(whole) + " bytes");
    }
    set_size(length == kNoAddress ? whole - offset_ : length);
  }

  void read_bytes(std::uint64_t offset, std::span<std::byte> to) override {
    while (!to.empty()) {
      const ssize_t count = ::pread(descriptor_, to.data(), to.size(), static_cast<off_t>(offset_ + offset));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) throw FileError("cannot be read: " + system_text());
      if (count == 0) throw FileError("the file became shorter while it was read; load it again");
      to = to.subspan(static_cast<std::size_t>(count));
      offset += static_cast<std::uint64_t>(count);
    }
  }

  std::uint64_t offset_;
  int descriptor_ = -1;
};

class MemorySource : public H5Source {
 public:
  explicit MemorySource(H5Buffer bytes) : bytes_(std::move(bytes)) { set_size(bytes_.size()); }

 private:
  void read_bytes(std::uint64_t offset, std::span<std::byte> to) override {
    std::memcpy(to.data(), bytes_.data() + offset, to.size());
  }

  H5Buffer bytes_;
};

constexpr std::uint32_t word_at(const std::byte* bytes, std::size_t count) {
  std::uint32_t word = 0;
  for (std::size_t i = 0; i < count; ++i) word |= std::to_integer<std::uint32_t>(bytes[i]) << (8 * i);
  return word;
}

}  // namespace

std::string printable(std::string_view text) {
  constexpr std::size_t kLongest = 200;
  constexpr char kHex[] = "0123456789abcdef";
  std::string result;
  for (const char c : text.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      result += {'\\', 'x', kHex[byte >> 4], kHex[byte & 15]};
    } else {
      result += c;
    }
  }
  return text.size() > kLongest ? result + "..." : result;
}

std::uint32_t lookup3(H5Span bytes) {
  std::uint32_t a = 0xdeadbeef + static_cast<std::uint32_t>(bytes.size()), b = a, c = a;
  // Each step is x -= z; x ^= rotl(z, k); z += y.
  const auto mix = [](std::uint32_t& x, std::uint32_t& y, std::uint32_t& z, int turn) {
    x -= z;
    x ^= std::rotl(z, turn);
    z += y;
  };
  while (bytes.size() > 12) {
    a += word_at(bytes.data(), 4);
    b += word_at(bytes.data() + 4, 4);
    c += word_at(bytes.data() + 8, 4);
    mix(a, b, c, 4), mix(b, c, a, 6), mix(c, a, b, 8), mix(a, b, c, 16), mix(b, c, a, 19), mix(c, a, b, 4);
    bytes = bytes.subspan(12);
  }
  if (bytes.empty()) return c;
  const auto tail = [&](std::size_t from) {
    return from < bytes.size() ? word_at(bytes.data() + from, std::min<std::size_t>(4, bytes.size() - from)) : 0u;
  };
  a += tail(0);
  b += tail(4);
  c += tail(8);
  const auto last = [](std::uint32_t& x, std::uint32_t y, int turn) {
    x ^= y;
    x -= std::rotl(y, turn);
  };
  last(c, b, 14), last(a, c, 11), last(b, a, 25), last(c, b, 16), last(a, c, 4), last(b, a, 14), last(c, b, 24);
  return c;
}

std::unique_ptr<H5Source> H5Source::open(const std::string& path, std::uint64_t offset, std::uint64_t length) {
  return std::make_unique<FileSource>(path, offset, length);
}

std::unique_ptr<H5Source> H5Source::memory(H5Buffer bytes) { return std::make_unique<MemorySource>(std::move(bytes)); }

void H5Source::set_size(std::uint64_t size) {
  size_ = size;
  budget_ = 16 * std::min(size, std::uint64_t{1} << 40) + (std::uint64_t{1} << 20);
}

void H5Source::check_range(std::uint64_t offset, std::uint64_t length, std::string_view what) const {
  if (offset <= size_ && length <= size_ - offset) return;
  throw FileError(std::string(what) + ": expected " + std::to_string(length) + " bytes at offset " +
                  (offset == kNoAddress ? "'none'" : std::to_string(offset)) + ", found the end of the file at " +
                  std::to_string(size_) + "; it is truncated or damaged");
}

void H5Source::read(std::uint64_t offset, std::span<std::byte> to, std::string_view what) {
  check_range(offset, to.size(), what);
  if (!to.empty()) read_bytes(offset, to);
}

H5Buffer H5Source::read_metadata(std::uint64_t offset, std::uint64_t length, std::string_view what) {
  check_range(offset, length, what);
  if (length > budget_) throw FileError(std::string(what) + ": the file's structures refer to each other without end");
  budget_ -= length;
  H5Buffer bytes(static_cast<std::size_t>(length));
  if (length > 0) read_bytes(offset, bytes);
  return bytes;
}

std::uint64_t H5Cursor::number(std::size_t width) {
  std::uint64_t value = 0;
  std::memcpy(&value, take(width).data(), width);
  return value;
}

H5Span H5Cursor::take(std::uint64_t count) {
  if (count > left()) fail(std::to_string(count) + " more bytes", std::to_string(left()));
  const H5Span result = bytes_.subspan(position_, static_cast<std::size_t>(count));
  position_ += result.size();
  return result;
}

std::string H5Cursor::c_string() {
  const H5Span rest = bytes_.subspan(position_);
  const auto end = std::find(rest.begin(), rest.end(), std::byte{0});
  if (end == rest.end()) fail("a text that ends with a zero byte", "no end");
  const H5Span text = take(static_cast<std::uint64_t>(end - rest.begin()));
  skip(1);
  return {reinterpret_cast<const char*>(text.data()), text.size()};
}

void H5Cursor::signature(std::string_view signature) {
  const H5Span found = take(signature.size());
  const std::string_view text(reinterpret_cast<const char*>(found.data()), found.size());
  if (text != signature) fail("the signature '" + std::string(signature) + "'", "'" + printable(text) + "'");
}

std::uint8_t H5Cursor::version(std::uint8_t lowest, std::uint8_t highest) {
  const std::uint8_t found = u8();
  if (found < lowest || found > highest) {
    fail("version " + std::to_string(lowest) + (lowest < highest ? " to " + std::to_string(highest) : ""),
         std::to_string(found));
  }
  return found;
}

void H5Cursor::fail(const std::string& expected, const std::string& found) const {
  throw FileError(std::string(what_) + ": expected " + expected + ", found " + found);
}

void check_checksum(H5Span block, std::string_view what) {
  if (block.size() < 4) throw FileError(std::string(what) + ": expected a checksum, found the end of the block");
  const H5Span body = block.first(block.size() - 4);
  if (lookup3(body) != word_at(block.data() + body.size(), 4)) {
    throw FileError(std::string(what) + ": the checksum is wrong; the file is damaged");
  }
}

}  // namespace keratin::detail
