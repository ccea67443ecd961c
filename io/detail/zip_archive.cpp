#include "keratin/io/detail/zip_archive.h"

#include <sys/stat.h>
#include <zip.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <unordered_set>

#include "keratin/core/tensor/errors.h"
#include "keratin/io/detail/atomic_file.h"

namespace keratin::detail {
namespace {

constexpr std::size_t kMostMembers = 10'000;
// Keras stores its members unpacked. One that was packed by somebody may unpack to this many times its size, or to
// kFreeBytes if that is more: weights that are all zero pack well.
constexpr std::uint64_t kMostRatio = 20;
constexpr std::uint64_t kFreeBytes = std::uint64_t{64} << 20;

std::string text_of(int code) {
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  return text;
}

// Nothing here is ever unpacked to a path, but a name that tries to be one is no name Keras gives.
bool is_plain_name(const std::string& name) {
  if (name.empty() || name.size() > 4096 || name.front() == '/') return false;
  if (name.find('\\') != std::string::npos || name.find(':') != std::string::npos) return false;
  std::size_t begin = 0;
  while (begin <= name.size()) {
    const std::size_t end = std::min(name.find('/', begin), name.size());
    const std::string part = name.substr(begin, end - begin);
    if (part == ".." || part == "." || (part.empty() && end != name.size())) return false;
    begin = end + 1;
  }
  return std::all_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x20; });
}

}  // namespace

struct ZipReader::Archive {
  zip_t* zip = nullptr;
  ~Archive() {
    if (zip) zip_discard(zip);
  }
};

ZipReader::ZipReader(const std::string& file) : file_(file), archive_(std::make_unique<Archive>()) {
  const auto fail = [&](const std::string& what) { throw FileError(file_ + ": " + what); };
  struct stat status {};
  if (::stat(file.c_str(), &status) != 0) fail(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) fail("expected a file, found a folder, device or pipe");
  file_bytes_ = static_cast<std::uint64_t>(status.st_size);
  int code = 0;
  archive_->zip = zip_open(file.c_str(), ZIP_RDONLY | ZIP_CHECKCONS, &code);
  if (!archive_->zip) fail("expected a zip archive: " + text_of(code));
  const zip_int64_t count = zip_get_num_entries(archive_->zip, 0);
  if (count < 0 || static_cast<std::size_t>(count) > kMostMembers) fail("expected at most 10000 members, found more");
  std::unordered_set<std::string> seen;
  for (zip_uint64_t i = 0; i < static_cast<zip_uint64_t>(count); ++i) {
    const char* raw = zip_get_name(archive_->zip, i, ZIP_FL_ENC_RAW);
    const std::string name = raw ? raw : "";
    if (!is_plain_name(name)) fail("the member name '" + printable(name) + "' is not allowed");
    if (!seen.insert(name).second) fail("two members are called '" + printable(name) + "'");
    names_.push_back(name);
  }
}

ZipReader::~ZipReader() = default;

bool ZipReader::contains(const std::string& member) const {
  return std::find(names_.begin(), names_.end(), member) != names_.end();
}

H5Buffer ZipReader::read(const std::string& member, std::uint64_t limit) const {
  const auto fail = [&](const std::string& what) { throw FileError(file_ + ": '" + member + "': " + what); };
  const auto found = std::find(names_.begin(), names_.end(), member);
  if (found == names_.end()) fail("expected this member in the archive, found none");
  const auto index = static_cast<zip_uint64_t>(found - names_.begin());
  zip_stat_t status;
  zip_stat_init(&status);
  constexpr zip_uint64_t kNeeded =
      ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
  if (zip_stat_index(archive_->zip, index, 0, &status) != 0 || (status.valid & kNeeded) != kNeeded) {
    fail("its size is not known");
  }
  if (status.encryption_method != ZIP_EM_NONE) fail("encrypted members are not supported");
  if (status.comp_method != ZIP_CM_STORE && status.comp_method != ZIP_CM_DEFLATE) {
    fail("only plain and deflated members are supported");
  }
  if (status.comp_size > file_bytes_) fail("expected a member inside the archive, found one larger than it");
  const bool stored = status.comp_method == ZIP_CM_STORE;
  if (stored && status.size != status.comp_size) fail("its two sizes differ");
  if (!stored && status.size > std::max(kFreeBytes, status.comp_size * kMostRatio)) {
    fail("expected data that unpacks to at most " + std::to_string(kMostRatio) + " times its size, found " +
         std::to_string(status.size) + " bytes packed in " + std::to_string(status.comp_size));
  }
  if (status.size > limit) fail("expected at most " + std::to_string(limit) + " bytes, found more");

  zip_file_t* file = zip_fopen_index(archive_->zip, index, 0);
  if (!file) fail(zip_strerror(archive_->zip));
  const std::unique_ptr<zip_file_t, int (*)(zip_file_t*)> closer(file, zip_fclose);
  H5Buffer bytes(static_cast<std::size_t>(status.size));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const zip_int64_t got = zip_fread(file, bytes.data() + done, bytes.size() - done);
    if (got < 0) fail(zip_file_strerror(file));
    if (got == 0) fail("it ends before its size");
    done += static_cast<std::size_t>(got);
  }
  // The end: here the library compares checksums.
  std::byte more;
  const zip_int64_t rest = zip_fread(file, &more, 1);
  if (rest < 0) fail(zip_file_strerror(file));
  if (rest > 0) fail("it goes on after its size");
  return bytes;
}

void write_zip(const std::string& path, std::span<const std::pair<std::string, std::span<const std::byte>>> members) {
  AtomicFile target(path);
  int code = 0;
  // The library writes a file of its own beside the temporary one and moves it over that.
  zip_t* zip = zip_open(target.temporary_path().c_str(), ZIP_CREATE | ZIP_TRUNCATE, &code);
  if (!zip) throw FileError("cannot write '" + path + "': " + text_of(code));
  std::unique_ptr<zip_t, void (*)(zip_t*)> discarder(zip, zip_discard);
  const auto fail = [&] { throw FileError("cannot write '" + path + "': " + zip_strerror(zip)); };
  for (const auto& [name, bytes] : members) {
    zip_source_t* source = zip_source_buffer(zip, bytes.data(), bytes.size(), 0);
    if (!source) fail();
    const zip_int64_t index = zip_file_add(zip, name.c_str(), source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
      zip_source_free(source);
      fail();
    }
    if (zip_set_file_compression(zip, static_cast<zip_uint64_t>(index), ZIP_CM_STORE, 0) != 0) fail();
  }
  if (zip_close(zip) != 0) fail();
  (void)discarder.release();  // closed
  target.commit();
}

}  // namespace keratin::detail
