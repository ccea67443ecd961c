#include "keratin/core/tensor/variable_state.h"

#include <cstring>

#include "keratin/core/tensor/errors.h"

namespace keratin {

const Tensor& VariableState::host() {
  if (newest_ == Newest::device) {
    if (!host_.defined()) host_ = Tensor(shape_, dtype_);
    device_copy_->download(host_);
    newest_ = Newest::both;
  } else if (!host_.defined()) {
    host_ = initialize_();
    if (host_.shape() != shape_ || host_.dtype() != dtype_) {
      throw InvalidArgument("variable " + path_ + ": its initialiser made " + std::string(name_of(host_.dtype())) +
                            " " + host_.shape().to_string() + ", expected " + std::string(name_of(dtype_)) + " " +
                            shape_.to_string());
    }
  }
  return host_;
}

Tensor VariableState::value() { return host().clone(); }

void VariableState::set_value(const Tensor& value) {
  if (!value.defined() || value.shape() != shape_ || value.dtype() != dtype_) {
    throw InvalidArgument("variable " + path_ + ": expected " + std::string(name_of(dtype_)) + " " +
                          shape_.to_string() + ", got " + std::string(name_of(value.dtype())) + " " +
                          value.shape().to_string());
  }
  if (!host_.defined()) host_ = Tensor(shape_, dtype_);
  if (value.bytes() > 0) std::memcpy(host_.raw(), value.raw(), value.bytes());
  newest_ = Newest::host;
}

void VariableState::reinitialize() {
  newest_ = Newest::host;
  host_ = Tensor();
  host();
}

void VariableState::move_to(std::shared_ptr<DeviceCopy> copy) {
  host();
  device_copy_ = std::move(copy);
  newest_ = Newest::host;
}

void VariableState::sync_device() {
  if (newest_ != Newest::host) return;
  device_copy_->upload(host());
  newest_ = Newest::both;
  ++device_version_;
}

}  // namespace keratin
