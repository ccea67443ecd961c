// The HDF5 library's C interface with C++ manners: one thread at a time, handles that close themselves, its errors as
// exceptions instead of text on the terminal.
#pragma once

#include <hdf5.h>

#include <mutex>
#include <string>
#include <utility>

namespace keratin::detail {

// While one exists no other thread is in the library (through Keratin) and the library prints nothing. What it would
// print is the program's own choice again afterwards.
class H5Session {
 public:
  H5Session();
  ~H5Session();
  H5Session(const H5Session&) = delete;
  H5Session& operator=(const H5Session&) = delete;

 private:
  std::lock_guard<std::mutex> lock_;
  H5E_auto2_t printer_ = nullptr;
  void* printer_data_ = nullptr;
};

// Throws FileError "cannot <action>: <the library's text>".
[[noreturn]] void throw_h5_error(const std::string& action);

inline void check_h5(herr_t status, const std::string& action) {
  if (status < 0) throw_h5_error(action);
}

// Owns an identifier; `close` is the function for its kind.
class H5Handle {
 public:
  // Throws FileError when `id` says that the call which made it failed.
  H5Handle(hid_t id, herr_t (*close)(hid_t), const std::string& action) : id_(id), close_(close) {
    if (id < 0) throw_h5_error(action);
  }
  ~H5Handle() {
    if (id_ >= 0) close_(id_);
  }
  H5Handle(H5Handle&& other) noexcept : id_(std::exchange(other.id_, -1)), close_(other.close_) {}
  H5Handle& operator=(H5Handle&&) = delete;

  operator hid_t() const { return id_; }
  // Closes now, for those whose closing can fail: files.
  void close(const std::string& action) { check_h5(close_(std::exchange(id_, -1)), action); }

 private:
  hid_t id_;
  herr_t (*close_)(hid_t);
};

}  // namespace keratin::detail
