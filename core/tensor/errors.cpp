#include "keratin/core/tensor/errors.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>

namespace keratin {
namespace {

std::string prefixed(std::string_view where, const Error& error) { return std::string(where) + ": " + error.what(); }

std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return result;
}

// Levenshtein distance by the two-row recurrence.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> previous(b.size() + 1), current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) previous[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({previous[j] + 1, current[j - 1] + 1, replace});
    }
    std::swap(previous, current);
  }
  return previous[b.size()];
}

}  // namespace

void Error::rethrow_in(std::string_view where) const {
  throw_in(where);
  std::abort();
}
void Error::throw_in(std::string_view where) const { throw Error(prefixed(where, *this)); }
void InvalidArgument::throw_in(std::string_view where) const { throw InvalidArgument(prefixed(where, *this)); }
void FileError::throw_in(std::string_view where) const { throw FileError(prefixed(where, *this)); }
void DeviceError::throw_in(std::string_view where) const { throw DeviceError(prefixed(where, *this), cause()); }
void DeviceNotFound::throw_in(std::string_view where) const { throw DeviceNotFound(prefixed(where, *this), cause()); }
void LibraryMissing::throw_in(std::string_view where) const { throw LibraryMissing(prefixed(where, *this), cause()); }
void VersionMismatch::throw_in(std::string_view where) const { throw VersionMismatch(prefixed(where, *this), cause()); }
void OutOfMemory::throw_in(std::string_view where) const { throw OutOfMemory(prefixed(where, *this), cause()); }
void BackendError::throw_in(std::string_view where) const { throw BackendError(prefixed(where, *this), cause()); }

std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates) {
  const std::string wanted = lower(name);
  const std::string* best = nullptr;
  // A third of the letters may be wrong: 'adamm' finds 'adam', 'xyz' finds nothing.
  std::size_t best_distance = std::max<std::size_t>(1, wanted.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(wanted, lower(candidate));
    if (distance < best_distance) {
      best_distance = distance;
      best = &candidate;
    }
  }
  return best ? "; did you mean '" + *best + "'?" : "";
}

}  // namespace keratin
