#include "keratin/io/detail/hdf5_handle.h"

#include "keratin/core/tensor/errors.h"

namespace keratin::detail {
namespace {

std::mutex& library_mutex() {
  static std::mutex mutex;
  return mutex;
}

// The innermost entry of the error stack says most; the walk goes there first.
herr_t take_first(unsigned index, const H5E_error2_t* entry, void* text) {
  if (index == 0 && entry->desc) *static_cast<std::string*>(text) = entry->desc;
  return 0;
}

}  // namespace

H5Session::H5Session() : lock_(library_mutex()) {
  H5open();
  H5Eget_auto2(H5E_DEFAULT, &printer_, &printer_data_);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

H5Session::~H5Session() { H5Eset_auto2(H5E_DEFAULT, printer_, printer_data_); }

void throw_h5_error(const std::string& action) {
  std::string text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, take_first, &text);
  H5Eclear2(H5E_DEFAULT);
  throw FileError("cannot " + action + ": " + (text.empty() ? "the HDF5 library gives no reason" : text));
}

}  // namespace keratin::detail
