// Tensor: a dense array in host memory with a shape, a dtype and the device that computed it. Copies share memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "keratin/core/tensor/dtype.h"
#include "keratin/core/tensor/shape.h"

namespace keratin {

class Tensor {
 public:
  Tensor();  // undefined: no memory, shape ()
  // Not inline: copied wherever users write a model.
  Tensor(const Tensor&);
  Tensor(Tensor&&) noexcept;
  Tensor& operator=(const Tensor&);
  Tensor& operator=(Tensor&&) noexcept;
  ~Tensor();
  // Zeros. Throws InvalidArgument when the shape has unknown or negative sizes.
  explicit Tensor(Shape shape, DType dtype = DType::float32);
  // Row-major values; their number must be shape.size().
  template <Element T>
  Tensor(Shape shape, std::initializer_list<T> values)
      : Tensor(std::move(shape), dtype_of<T>, values.begin(), values.size()) {}
  template <Element T>
  Tensor(Shape shape, std::span<const T> values)
      : Tensor(std::move(shape), dtype_of<T>, values.data(), values.size()) {}
  template <Element T>
  requires(!std::same_as<T, bool>) Tensor(Shape shape, const std::vector<T>& values)
      : Tensor(std::move(shape), dtype_of<T>, values.data(), values.size()) {}

  // A rank-0 tensor of one number.
  template <Element T>
  static Tensor scalar(T value) {
    return Tensor(Shape{}, dtype_of<T>, &value, 1);
  }
  // `value` converted to `dtype` in every element.
  static Tensor full(Shape shape, double value, DType dtype = DType::float32);
  // Memory of somebody else: `owner` keeps it alive. `data` must be aligned to the element's size.
  static Tensor from_memory(Shape shape, DType dtype, std::shared_ptr<void> owner, void* data);

  bool defined() const { return data_ != nullptr; }
  const Shape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }
  int rank() const { return shape_.rank(); }
  std::int64_t size() const { return shape_.size(); }
  std::size_t bytes() const { return defined() ? static_cast<std::size_t>(size()) * size_of(dtype_) : 0; }

  // The elements, row-major. Throws InvalidArgument when T is not the tensor's dtype.
  template <Element T>
  std::span<T> values() {
    check_dtype(dtype_of<T>);
    return {static_cast<T*>(data_), count()};
  }
  template <Element T>
  std::span<const T> values() const {
    check_dtype(dtype_of<T>);
    return {static_cast<const T*>(data_), count()};
  }
  template <Element T>
  std::vector<T> to_vector() const {
    auto v = values<T>();
    return std::vector<T>(v.begin(), v.end());
  }
  void* raw() { return data_; }
  const void* raw() const { return data_; }

  // Element `index` (one number per axis) as a double, whatever the dtype.
  double at(std::initializer_list<std::int64_t> index) const;
  // The only element of a tensor of size 1, as a double.
  double item() const;

  // Rows [begin, end) of the first axis: a view of the same memory.
  Tensor rows(std::int64_t begin, std::int64_t end) const;
  // The same memory under another shape of equal size; one axis may be -1.
  Tensor reshape(Shape shape) const;
  // A converted copy (floating to integer truncates as in C++); the same tensor when the dtype is already right.
  Tensor astype(DType dtype) const;
  Tensor clone() const;

  // The device that computed the values: "cpu:0", "cuda:0"; "host" for data that came from the program.
  const std::string& device() const;
  void set_device(std::string device);

  // "float32 (2, 3) [1, 2, ...]", at most `limit` numbers.
  std::string to_string(std::size_t limit = 12) const;

 private:
  Tensor(Shape shape, DType dtype, const void* values, std::size_t count);
  void check_dtype(DType asked) const;
  std::size_t count() const { return defined() ? static_cast<std::size_t>(size()) : 0; }

  Shape shape_;
  DType dtype_ = DType::float32;
  std::shared_ptr<void> owner_;
  void* data_ = nullptr;
  std::shared_ptr<const std::string> device_;
};

}  // namespace keratin
