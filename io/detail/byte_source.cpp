#include "keratin/io/detail/byte_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <new>
#include <system_error>
#include <vector>

#include "keratin/core/tensor/errors.h"

namespace keratin::detail {
namespace {

constexpr std::size_t kChunk = std::size_t{1} << 16;
// Deflate cannot do better than 258 bytes for a quarter of a byte; zlib's documentation gives 1032:1.
constexpr std::int64_t kMaxDeflateRatio = 1032;

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw FileError("cannot read '" + path + "': " + what);
}

std::string system_text() { return std::generic_category().message(errno); }

}  // namespace

struct ByteSource::Inflater {
  Inflater() : input(kChunk) {
    if (inflateInit2(&stream, 15 + 16) != Z_OK) throw std::bad_alloc();  // + 16: gzip, with its checksum
  }
  ~Inflater() { inflateEnd(&stream); }

  z_stream stream{};
  std::vector<std::byte> input;
  bool finished = false;  // the last member's checksum was right and nothing follows
};

ByteSource::ByteSource(const std::string& path) : path_(path) {
  // Non-blocking, because opening a pipe that nobody writes to would wait forever.
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) fail(path, system_text() + ".");
  try {
    struct stat status {};
    if (::fstat(descriptor_, &status) != 0) fail(path, system_text() + ".");
    if (!S_ISREG(status.st_mode)) {
      fail(path, std::string("expected a file, found a ") +
                     (S_ISDIR(status.st_mode) ? "folder" : "device, pipe or socket") + ".");
    }
    file_bytes_ = status.st_size;
    std::array<std::byte, 2> magic{};
    const std::size_t count = read_stored(magic);
    if (::lseek(descriptor_, 0, SEEK_SET) != 0) fail(path, system_text() + ".");
    if (count == 2 && magic[0] == std::byte{0x1f} && magic[1] == std::byte{0x8b}) {
      inflater_ = std::make_unique<Inflater>();
    }
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

ByteSource::~ByteSource() { ::close(descriptor_); }

std::int64_t ByteSource::max_content_bytes() const {
  if (!is_gzip()) return file_bytes_;
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  return file_bytes_ > most / kMaxDeflateRatio ? most : file_bytes_ * kMaxDeflateRatio;
}

std::size_t ByteSource::read(std::span<std::byte> to) { return is_gzip() ? read_gzip(to) : read_stored(to); }

std::size_t ByteSource::read_stored(std::span<std::byte> to) {
  std::size_t done = 0;
  while (done < to.size()) {
    const ssize_t count = ::read(descriptor_, to.data() + done, to.size() - done);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail(path_, system_text() + ".");
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

// Gives the stream more input when it has none; false at the end of the file.
bool ByteSource::refill() {
  z_stream& stream = inflater_->stream;
  if (stream.avail_in > 0) return true;
  stream.avail_in = static_cast<uInt>(read_stored(inflater_->input));
  stream.next_in = reinterpret_cast<Bytef*>(inflater_->input.data());
  return stream.avail_in > 0;
}

std::size_t ByteSource::read_gzip(std::span<std::byte> to) {
  z_stream& stream = inflater_->stream;
  std::size_t done = 0;
  while (done < to.size() && !inflater_->finished) {
    if (!refill()) fail(path_, "the gzip data stops in the middle; the file is truncated, get it again.");
    const std::size_t room = std::min<std::size_t>(to.size() - done, std::size_t{1} << 30);
    stream.next_out = reinterpret_cast<Bytef*>(to.data() + done);
    stream.avail_out = static_cast<uInt>(room);
    const int result = inflate(&stream, Z_NO_FLUSH);
    done += room - stream.avail_out;
    if (result == Z_STREAM_END) {
      // Another member may follow (files joined by cat); anything else behind the end is not ours to guess.
      if (!refill()) {
        inflater_->finished = true;
      } else if (*stream.next_in != 0x1f) {
        fail(path_, "there are bytes behind the end of the gzip data; the file is damaged, get it again.");
      } else if (inflateReset(&stream) != Z_OK) {
        fail(path_, "zlib could not start the next gzip member.");
      }
    } else if (result == Z_MEM_ERROR) {
      throw std::bad_alloc();
    } else if (result != Z_OK && result != Z_BUF_ERROR) {
      fail(path_, std::string("the gzip data is corrupt (") + (stream.msg ? stream.msg : "no detail") +
                      "); get the file again.");
    }
  }
  return done;
}

}  // namespace keratin::detail
