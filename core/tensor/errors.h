// Exceptions thrown by Keratin. Every message says where, what was expected, what came, and the way out.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace keratin {

// The base of all exceptions Keratin throws on purpose.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  // Throws an exception of the same type whose message is "<where>: <what()>".
  // The call machinery uses it to add layer names; layers never write their own name.
  [[noreturn]] void rethrow_in(std::string_view where) const;

 protected:
  // Not virtual above: g++ forgets that a virtual function does not return.
  [[noreturn]] virtual void throw_in(std::string_view where) const;
};

// A wrong shape, dtype, label, name or option; a call out of order.
class InvalidArgument : public Error {
 public:
  using Error::Error;

 protected:
  [[noreturn]] void throw_in(std::string_view where) const override;
};

// A file that is missing, truncated, malformed, or does not fit the model.
class FileError : public Error {
 public:
  using Error::Error;

 protected:
  [[noreturn]] void throw_in(std::string_view where) const override;
};

// An error of a device or of a library behind it. `cause` is the id `keratin doctor` uses for it, or empty.
class DeviceError : public Error {
 public:
  explicit DeviceError(const std::string& message, std::string cause = "") : Error(message), cause_(std::move(cause)) {}
  const std::string& cause() const noexcept { return cause_; }

 protected:
  [[noreturn]] void throw_in(std::string_view where) const override;

 private:
  std::string cause_;
};

// A device asked for by name that is not there, for one of doctor's causes. Two kinds of them are classes of their own.
class DeviceNotFound : public DeviceError {
 public:
  using DeviceError::DeviceError;

 protected:
  [[noreturn]] void throw_in(std::string_view where) const override;
};

// ... for want of a library: the driver's, cuBLAS, or Keratin's module.
class LibraryMissing : public DeviceNotFound {
 public:
  using DeviceNotFound::DeviceNotFound;

 protected:
  [[noreturn]] void throw_in(std::string_view where) const override;
};

// ... since a driver, library or module is of a version that does not fit.
class VersionMismatch : public DeviceNotFound {
 public:
  using DeviceNotFound::DeviceNotFound;

 protected:
  [[noreturn]] void throw_in(std::string_view where) const override;
};

// A plan that does not fit the device's free memory or the user's limit; thrown before anything is allocated.
class OutOfMemory : public DeviceError {
 public:
  using DeviceError::DeviceError;

 protected:
  [[noreturn]] void throw_in(std::string_view where) const override;
};

// A call into a backend's library that failed; carries the call and the library's own text.
class BackendError : public DeviceError {
 public:
  using DeviceError::DeviceError;

 protected:
  [[noreturn]] void throw_in(std::string_view where) const override;
};

// "; did you mean 'adam'?" for the candidate nearest to `name` by edit distance, or "" when none is near.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& candidates);

}  // namespace keratin
