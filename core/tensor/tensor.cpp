#include "keratin/core/tensor/tensor.h"

#include <cstdlib>
#include <cstring>
#include <new>
#include <sstream>

#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

// One cache line, and the width of an AVX-512 register.
constexpr std::size_t kAlignment = 64;

std::shared_ptr<void> allocate(std::size_t bytes) {
  const std::size_t rounded = std::max(kAlignment, (bytes + kAlignment - 1) / kAlignment * kAlignment);
  void* memory = std::aligned_alloc(kAlignment, rounded);
  if (!memory) throw OutOfMemory("cannot allocate " + std::to_string(bytes) + " bytes of host memory for a tensor");
  return {memory, std::free};
}

std::size_t checked_bytes(const Shape& shape, DType dtype) {
  if (!shape.is_known()) {
    throw InvalidArgument("a tensor needs known sizes, got shape " + shape.to_string());
  }
  const auto count = static_cast<std::size_t>(shape.size());
  if (count > static_cast<std::size_t>(INT64_MAX) / size_of(dtype)) {
    throw InvalidArgument("a tensor of shape " + shape.to_string() + " is larger than the address space");
  }
  return count * size_of(dtype);
}

}  // namespace

Tensor::Tensor() = default;
Tensor::Tensor(const Tensor&) = default;
Tensor::Tensor(Tensor&&) noexcept = default;
Tensor& Tensor::operator=(const Tensor&) = default;
Tensor& Tensor::operator=(Tensor&&) noexcept = default;
Tensor::~Tensor() = default;

void Tensor::set_device(std::string device) { device_ = std::make_shared<const std::string>(std::move(device)); }

Tensor::Tensor(Shape shape, DType dtype) : shape_(std::move(shape)), dtype_(dtype) {
  const std::size_t bytes = checked_bytes(shape_, dtype_);
  owner_ = allocate(bytes);
  data_ = owner_.get();
  std::memset(data_, 0, bytes);
}

Tensor::Tensor(Shape shape, DType dtype, const void* values, std::size_t count) : Tensor(std::move(shape), dtype) {
  if (count != static_cast<std::size_t>(size())) {
    throw InvalidArgument("a tensor of shape " + shape_.to_string() + " needs " + std::to_string(size()) +
                          " values, got " + std::to_string(count));
  }
  if (count > 0) std::memcpy(data_, values, bytes());
}

Tensor Tensor::full(Shape shape, double value, DType dtype) {
  Tensor result(std::move(shape), dtype);
  visit_dtype(dtype, [&]<class T>() {
    for (T& element : result.values<T>()) element = static_cast<T>(value);
  });
  return result;
}

Tensor Tensor::from_memory(Shape shape, DType dtype, std::shared_ptr<void> owner, void* data) {
  checked_bytes(shape, dtype);
  if (!data) throw InvalidArgument("Tensor::from_memory: the data pointer is null");
  Tensor result;
  result.shape_ = std::move(shape);
  result.dtype_ = dtype;
  result.owner_ = std::move(owner);
  result.data_ = data;
  return result;
}

void Tensor::check_dtype(DType asked) const {
  if (asked != dtype_) {
    throw InvalidArgument("the tensor holds " + std::string(name_of(dtype_)) + ", asked for " +
                          std::string(name_of(asked)) + "; use astype first");
  }
}

double Tensor::at(std::initializer_list<std::int64_t> index) const {
  if (static_cast<int>(index.size()) != rank()) {
    throw InvalidArgument("at: shape " + shape_.to_string() + " needs " + std::to_string(rank()) + " indices, got " +
                          std::to_string(index.size()));
  }
  std::int64_t offset = 0;
  int axis = 0;
  for (std::int64_t i : index) {
    if (i < 0 || i >= shape_[axis]) {
      throw InvalidArgument("at: index " + std::to_string(i) + " is out of range on axis " + std::to_string(axis) +
                            " of shape " + shape_.to_string());
    }
    offset = offset * shape_[axis++] + i;
  }
  return visit_dtype(dtype_,
                     [&]<class T>() { return static_cast<double>(values<T>()[static_cast<std::size_t>(offset)]); });
}

double Tensor::item() const {
  if (!defined() || size() != 1) {
    throw InvalidArgument("item: expected a tensor with one element, got shape " + shape_.to_string());
  }
  return visit_dtype(dtype_, [&]<class T>() { return static_cast<double>(values<T>()[0]); });
}

Tensor Tensor::rows(std::int64_t begin, std::int64_t end) const {
  if (rank() == 0 || begin < 0 || end < begin || end > shape_[0]) {
    throw InvalidArgument("rows: [" + std::to_string(begin) + ", " + std::to_string(end) +
                          ") is out of range for shape " + shape_.to_string());
  }
  Tensor result = *this;
  result.shape_[0] = end - begin;
  const std::int64_t row = shape_.slice(1, rank()).size();
  result.data_ = static_cast<std::byte*>(data_) + static_cast<std::size_t>(begin * row) * size_of(dtype_);
  return result;
}

Tensor Tensor::reshape(Shape shape) const {
  std::int64_t known = 1;
  int open = -1;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] >= 0) {
      known *= shape[axis];
    } else if (open >= 0) {
      throw InvalidArgument("reshape: only one axis may be -1, got " + shape.to_string());
    } else {
      open = axis;
    }
  }
  if (open >= 0 && known > 0 && size() % known == 0) shape[open] = size() / known;
  if (shape.size() != size()) {
    throw InvalidArgument("reshape: shape " + shape_.to_string() + " does not fit " + shape.to_string());
  }
  Tensor result = *this;
  result.shape_ = std::move(shape);
  return result;
}

Tensor Tensor::astype(DType dtype) const {
  if (dtype == dtype_) return *this;
  Tensor result(shape_, dtype);
  result.device_ = device_;
  visit_dtype(dtype_, [&]<class From>() {
    auto source = values<From>();
    visit_dtype(dtype, [&]<class To>() {
      auto target = result.values<To>();
      for (std::size_t i = 0; i < source.size(); ++i) target[i] = static_cast<To>(source[i]);
    });
  });
  return result;
}

Tensor Tensor::clone() const {
  if (!defined()) return {};
  Tensor result(shape_, dtype_);
  result.device_ = device_;
  if (bytes() > 0) std::memcpy(result.data_, data_, bytes());
  return result;
}

const std::string& Tensor::device() const {
  static const std::string host = "host";
  return device_ ? *device_ : host;
}

std::string Tensor::to_string(std::size_t limit) const {
  if (!defined()) return "undefined";
  std::ostringstream out;
  out << name_of(dtype_) << ' ' << shape_.to_string() << " [";
  visit_dtype(dtype_, [&]<class T>() {
    auto v = values<T>();
    for (std::size_t i = 0; i < v.size(); ++i) {
      if (i == limit) {
        out << ", ...";
        break;
      }
      out << (i ? ", " : "") << static_cast<double>(v[i]);
    }
  });
  out << ']';
  return out.str();
}

}  // namespace keratin
