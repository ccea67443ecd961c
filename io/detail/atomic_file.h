// AtomicFile: a file that appears under its name complete or not at all.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace keratin::detail {

// Writes to "<path>.tmp-<pid>-<n>" beside the target; commit() moves it over the target. Whatever happens before
// (an exception, a kill, a full disk), the old file stays whole. All functions throw FileError with the system's text.
class AtomicFile {
 public:
  // Creates the empty temporary. A link is followed: its target is replaced, not the link.
  // Throws when the folder is missing or not writable, or when `path` is a folder or a device.
  explicit AtomicFile(const std::string& path);
  ~AtomicFile();  // without commit(): removes the temporary
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  // For libraries that open files by name; they must have closed it before commit().
  const std::string& temporary_path() const { return temporary_; }

  void write(std::span<const std::byte> bytes);
  void write(std::string_view text);

  // fsync of the file, rename, fsync of the folder. To be called once, last.
  void commit();

 private:
  [[noreturn]] void fail(std::string_view action, int error) const;

  std::string asked_;      // the path as given, for messages
  std::string target_;     // with links resolved
  std::string temporary_;  // beside target_
  int descriptor_ = -1;    // of the temporary; -1 after commit()
};

// The whole of `text` as the file `path`, atomically.
void write_file_atomically(const std::string& path, std::string_view text);

}  // namespace keratin::detail
