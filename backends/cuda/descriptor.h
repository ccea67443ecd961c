// Descriptor: a cuDNN backend descriptor that destroys itself, with typed setters; every failure is a BackendError.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "keratin/backends/cuda/error.h"

namespace keratin::cuda::dnn {

class Descriptor {
 public:
  Descriptor(const Api& api, DescriptorType type) : api_(&api) {
    check_dnn(api, api.descriptor_create(type, &raw_), "cudnnBackendCreateDescriptor");
  }
  ~Descriptor() {
    if (raw_) api_->descriptor_destroy(raw_);
  }
  Descriptor(Descriptor&& other) noexcept : api_(other.api_), raw_(std::exchange(other.raw_, nullptr)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(api_, other.api_);
    std::swap(raw_, other.raw_);
    return *this;
  }

  RawDescriptor raw() const { return raw_; }

  Descriptor& set_integers(Attribute attribute, const std::vector<std::int64_t>& values) {
    return set(attribute, kTypeInt64, values);
  }
  Descriptor& set_descriptors(Attribute attribute, std::initializer_list<RawDescriptor> values) {
    return set(attribute, kTypeDescriptor, std::vector<RawDescriptor>(values));
  }
  Descriptor& set_descriptors(Attribute attribute, const std::vector<RawDescriptor>& values) {
    return set(attribute, kTypeDescriptor, values);
  }
  Descriptor& set_pointers(Attribute attribute, const std::vector<void*>& values) {
    return set(attribute, kTypePointer, values);
  }
  Descriptor& set_handle(Attribute attribute, Handle handle) {
    return set(attribute, kTypeHandle, std::vector<Handle>{handle});
  }
  Descriptor& set_float(Attribute attribute, float value) {
    return set(attribute, kTypeFloat, std::vector<float>{value});
  }
  Descriptor& set_flag(Attribute attribute, bool value) {
    return set(attribute, kTypeBoolean, std::vector<char>{static_cast<char>(value)});
  }
  Descriptor& set_text(Attribute attribute, const std::string& text) {
    return set(attribute, kTypeChar, std::vector<char>(text.begin(), text.end()));
  }
  // For enumerations, which cuDNN reads as ints.
  Descriptor& set_choice(Attribute attribute, AttributeType type, int value) {
    return set(attribute, type, std::vector<int>{value});
  }

  Descriptor& finalize() {
    check_dnn(*api_, api_->descriptor_finalize(raw_), "cudnnBackendFinalize");
    return *this;
  }

  std::int64_t integer(Attribute attribute) const {
    std::int64_t value = 0, count = 0;
    check_dnn(*api_, api_->descriptor_get(raw_, attribute, kTypeInt64, 1, &count, &value), "cudnnBackendGetAttribute");
    return value;
  }
  // Notes of an engine; at most 32.
  std::vector<int> choices(Attribute attribute, AttributeType type) const {
    std::vector<int> values(32);
    std::int64_t count = 0;
    check_dnn(
        *api_,
        api_->descriptor_get(raw_, attribute, type, static_cast<std::int64_t>(values.size()), &count, values.data()),
        "cudnnBackendGetAttribute");
    values.resize(static_cast<std::size_t>(count));
    return values;
  }
  // Fills `target`, a new descriptor of the attribute's type.
  void read(Attribute attribute, Descriptor& target) const {
    RawDescriptor raw = target.raw();
    std::int64_t count = 0;
    check_dnn(*api_, api_->descriptor_get(raw_, attribute, kTypeDescriptor, 1, &count, &raw),
              "cudnnBackendGetAttribute");
  }
  std::vector<Descriptor> read_all(Attribute attribute, DescriptorType type) const {
    std::int64_t count = 0;
    check_dnn(*api_, api_->descriptor_get(raw_, attribute, kTypeDescriptor, 0, &count, nullptr),
              "cudnnBackendGetAttribute");
    std::vector<Descriptor> result;
    std::vector<RawDescriptor> raw;
    for (std::int64_t i = 0; i < count; ++i) raw.push_back(result.emplace_back(*api_, type).raw());
    if (count == 0) return result;
    std::int64_t written = 0;
    check_dnn(*api_, api_->descriptor_get(raw_, attribute, kTypeDescriptor, count, &written, raw.data()),
              "cudnnBackendGetAttribute");
    result.erase(result.begin() + std::min(written, count), result.end());
    return result;
  }

 private:
  template <class T>
  Descriptor& set(Attribute attribute, AttributeType type, const std::vector<T>& values) {
    check_dnn(*api_,
              api_->descriptor_set(raw_, attribute, type, static_cast<std::int64_t>(values.size()), values.data()),
              "cudnnBackendSetAttribute");
    return *this;
  }

  const Api* api_;
  RawDescriptor raw_ = nullptr;
};

}  // namespace keratin::cuda::dnn
