// VariableState: what graphs and devices know of a variable: its identity, its host copy, and the one device copy that
// may be newer. The user's handle, with initialiser and regulariser, is core/model/variable.h.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "keratin/core/tensor/tensor.h"

namespace keratin {

// A variable's memory on a device; implemented by core/runtime.
class DeviceCopy {
 public:
  virtual ~DeviceCopy() = default;
  virtual void* address() const = 0;
  virtual void upload(const Tensor& host) = 0;
  virtual void download(Tensor& host) const = 0;
  virtual const std::string& device() const = 0;
};

class VariableState {
 public:
  // `initialize` makes the first value when somebody first asks for it; it must return `shape` and `dtype`.
  VariableState(std::string path, Shape shape, DType dtype, std::function<Tensor()> initialize)
      : path_(std::move(path)), shape_(std::move(shape)), dtype_(dtype), initialize_(std::move(initialize)) {}

  const std::string& path() const { return path_; }
  void set_path(std::string path) { path_ = std::move(path); }
  const Shape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }
  std::size_t bytes() const { return static_cast<std::size_t>(shape_.size()) * size_of(dtype_); }

  // The current value, fetched from the device when the device's copy is newer. The tensor is a copy.
  Tensor value();
  // Throws InvalidArgument when shape or dtype differ. Takes effect on the device before its next run.
  void set_value(const Tensor& value);
  // Makes the value anew with the initialiser.
  void reinitialize();

  // For the runtime: the device copy, brought up to date by `sync_device`; `device_written` says it is now the newer
  // one.
  const std::shared_ptr<DeviceCopy>& device_copy() const { return device_copy_; }
  void move_to(std::shared_ptr<DeviceCopy> copy);
  void sync_device();
  void device_written() {
    newest_ = Newest::device;
    ++device_version_;
  }
  // Another number whenever the device copy may hold another value or lie elsewhere than before.
  std::uint64_t device_version() const { return device_version_; }

 private:
  enum class Newest { host, both, device };
  const Tensor& host();

  std::string path_;
  Shape shape_;
  DType dtype_;
  std::function<Tensor()> initialize_;
  Tensor host_;
  std::shared_ptr<DeviceCopy> device_copy_;
  Newest newest_ = Newest::host;
  std::uint64_t device_version_ = 0;
};

using VariablePtr = std::shared_ptr<VariableState>;

}  // namespace keratin
