#include "keratin/io/detail/atomic_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <filesystem>
#include <system_error>

#include "keratin/core/tensor/errors.h"

namespace keratin::detail {
namespace {

std::string text_of(int error) { return std::generic_category().message(error); }

std::string way_out(int error) {
  switch (error) {
    case ENOENT: return " (create the folder first)";
    case ENOSPC:
    case EDQUOT: return " (free some space; the old file is unchanged)";
    case EACCES:
    case EPERM:
    case EROFS: return " (choose a folder you may write to)";
    default: return "";
  }
}

}  // namespace

AtomicFile::AtomicFile(const std::string& path) : asked_(path), target_(path) {
  if (path.empty()) throw FileError("cannot write a file without a name: expected a path, got ''.");
  if (path.find('\0') != std::string::npos) throw FileError("cannot write '" + path + "': the path has a zero byte.");
  std::error_code error;
  if (std::filesystem::is_symlink(target_, error)) {
    target_ = std::filesystem::weakly_canonical(target_, error).string();
    if (error) fail("cannot follow the link", error.value());
  }
  struct stat old {};
  const bool replaces = ::stat(target_.c_str(), &old) == 0;
  // Renaming over a device would destroy it (/dev/null, as root).
  if (replaces && !S_ISREG(old.st_mode)) {
    throw FileError("cannot write '" + asked_ + "': expected a file, found a " +
                    (S_ISDIR(old.st_mode) ? "folder" : "device, pipe or socket") + "; choose another path.");
  }
  static std::atomic<unsigned> counter{0};
  do {
    temporary_ = target_ + ".tmp-" + std::to_string(::getpid()) + "-" + std::to_string(counter++);
    descriptor_ = ::open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  } while (descriptor_ < 0 && errno == EEXIST);  // left by a killed process of the same number
  if (descriptor_ < 0) fail("cannot create a file there", errno);
  if (replaces) {
    // Keep the permissions people gave the old file. Some file systems have none; that is no reason to fail.
    [[maybe_unused]] const int ignored = ::fchmod(descriptor_, old.st_mode & 07777);
  }
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("the write failed", errno);
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
}

void AtomicFile::write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }

void AtomicFile::commit() {
  // A library that was given the name may have put a file of its own there.
  const int written = ::open(temporary_.c_str(), O_RDWR | O_CLOEXEC);
  if (written < 0) fail("the finished file is not there", errno);
  ::close(descriptor_);
  descriptor_ = written;
  // fsync concerns the file, whoever wrote it: also what a library wrote through a descriptor of its own.
  if (::fsync(descriptor_) != 0) fail("the data did not reach the disk", errno);
  if (::rename(temporary_.c_str(), target_.c_str()) != 0) fail("the finished file could not be moved there", errno);
  ::close(descriptor_);
  descriptor_ = -1;
  // The name is safe only when the folder is on disk too. Not every file system can do that (EINVAL), and the file
  // itself is complete under either name, so a refusal is not an error.
  const std::string folder = std::filesystem::path(target_).parent_path().string();
  const int directory = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) {
    ::fsync(directory);
    ::close(directory);
  }
}

void AtomicFile::fail(std::string_view action, int error) const {
  throw FileError("cannot write '" + asked_ + "': " + std::string(action) + ": " + text_of(error) + way_out(error) +
                  ".");
}

void write_file_atomically(const std::string& path, std::string_view text) {
  AtomicFile file(path);
  file.write(text);
  file.commit();
}

}  // namespace keratin::detail
