// ByteSource: the bytes of a file, unpacked on the way when the file is gzip (recognised by content, not by name).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace keratin::detail {

class ByteSource {
 public:
  // Throws FileError when the file is missing, unreadable, or not a regular file (a pipe could hang the reader).
  explicit ByteSource(const std::string& path);
  ~ByteSource();
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  // Fills `to` as far as the content goes; a smaller result means the end. Throws FileError for corrupt gzip data, for
  // a gzip stream that stops in the middle, and for bytes behind it that are not gzip.
  std::size_t read(std::span<std::byte> to);

  bool is_gzip() const { return inflater_ != nullptr; }
  // Size of the file as stored.
  std::int64_t file_bytes() const { return file_bytes_; }
  // The most that read() can deliver in all; exact for a plain file. Lets a reader refuse a lying header at once.
  std::int64_t max_content_bytes() const;

 private:
  struct Inflater;
  std::size_t read_stored(std::span<std::byte> to);
  std::size_t read_gzip(std::span<std::byte> to);
  bool refill();

  std::string path_;
  int descriptor_ = -1;
  std::int64_t file_bytes_ = 0;
  std::unique_ptr<Inflater> inflater_;
};

}  // namespace keratin::detail
