// Shape: the sizes of a tensor's axes. A size of -1 is unknown until a model runs (Keras's None).
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace keratin {

inline constexpr std::int64_t kUnknown = -1;

class Shape {
 public:
  Shape();  // a scalar
  // Not inline: copied wherever users write a model.
  Shape(const Shape&);
  Shape(Shape&&) noexcept;
  Shape& operator=(const Shape&);
  Shape& operator=(Shape&&) noexcept;
  ~Shape();
  Shape(std::initializer_list<std::int64_t> dims);
  explicit Shape(std::vector<std::int64_t> dims);

  int rank() const { return static_cast<int>(dims_.size()); }
  // Axis `axis`, counted from the end when negative. Throws InvalidArgument out of range.
  std::int64_t operator[](int axis) const { return dims_[static_cast<std::size_t>(normalize_axis(axis))]; }
  std::int64_t& operator[](int axis) { return dims_[static_cast<std::size_t>(normalize_axis(axis))]; }
  // 0 <= result < rank(). Throws InvalidArgument out of range.
  int normalize_axis(int axis) const;

  // The number of elements; 1 for a scalar, -1 when an axis is unknown. Throws InvalidArgument on overflow.
  std::int64_t size() const;
  bool is_known() const;

  const std::vector<std::int64_t>& dims() const { return dims_; }
  auto begin() const { return dims_.begin(); }
  auto end() const { return dims_.end(); }
  void push_back(std::int64_t dim);
  // Axes [begin, end), ends counted from the end when negative.
  Shape slice(int begin, int end) const;
  // This shape followed by `tail`.
  Shape concat(const Shape& tail) const;

  bool operator==(const Shape& other) const;
  // "(32, 784)", "(None, 28, 28, 1)", "()", "(10,)"
  std::string to_string() const;

 private:
  std::vector<std::int64_t> dims_;
};

// NumPy's broadcast of two known shapes; throws InvalidArgument naming both when they do not fit.
Shape broadcast(const Shape& a, const Shape& b);

}  // namespace keratin
