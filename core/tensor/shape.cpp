#include "keratin/core/tensor/shape.h"

#include <algorithm>
#include <limits>

#include "keratin/core/tensor/errors.h"

namespace keratin {

Shape::Shape() = default;
Shape::Shape(const Shape&) = default;
Shape::Shape(Shape&&) noexcept = default;
Shape& Shape::operator=(const Shape&) = default;
Shape& Shape::operator=(Shape&&) noexcept = default;
Shape::~Shape() = default;
Shape::Shape(std::initializer_list<std::int64_t> dims) : dims_(dims) {}
Shape::Shape(std::vector<std::int64_t> dims) : dims_(std::move(dims)) {}

void Shape::push_back(std::int64_t dim) { dims_.push_back(dim); }
bool Shape::operator==(const Shape& other) const { return dims_ == other.dims_; }

int Shape::normalize_axis(int axis) const {
  const int result = axis < 0 ? axis + rank() : axis;
  if (result < 0 || result >= rank()) {
    throw InvalidArgument("axis " + std::to_string(axis) + " is out of range for shape " + to_string());
  }
  return result;
}

std::int64_t Shape::size() const {
  std::int64_t result = 1;
  bool unknown = false;
  for (std::int64_t dim : dims_) {
    if (dim < 0) {
      unknown = true;
    } else if (dim != 0 && result > std::numeric_limits<std::int64_t>::max() / dim) {
      throw InvalidArgument("shape " + to_string() + " has more elements than a 64-bit number can count");
    } else {
      result *= dim;
    }
  }
  return unknown ? kUnknown : result;
}

bool Shape::is_known() const {
  return std::all_of(dims_.begin(), dims_.end(), [](std::int64_t dim) { return dim >= 0; });
}

Shape Shape::slice(int begin, int end) const {
  const int first = std::clamp(begin < 0 ? begin + rank() : begin, 0, rank());
  const int last = std::clamp(end < 0 ? end + rank() : end, first, rank());
  return Shape(std::vector<std::int64_t>(dims_.begin() + first, dims_.begin() + last));
}

Shape Shape::concat(const Shape& tail) const {
  Shape result = *this;
  result.dims_.insert(result.dims_.end(), tail.begin(), tail.end());
  return result;
}

std::string Shape::to_string() const {
  std::string result = "(";
  for (std::size_t i = 0; i < dims_.size(); ++i) {
    if (i > 0) result += ", ";
    result += dims_[i] < 0 ? "None" : std::to_string(dims_[i]);
  }
  if (dims_.size() == 1) result += ",";
  return result + ")";
}

Shape broadcast(const Shape& a, const Shape& b) {
  const int rank = std::max(a.rank(), b.rank());
  std::vector<std::int64_t> dims(static_cast<std::size_t>(rank));
  for (int i = 1; i <= rank; ++i) {
    const std::int64_t da = i <= a.rank() ? a[-i] : 1;
    const std::int64_t db = i <= b.rank() ? b[-i] : 1;
    if (da != db && da != 1 && db != 1) {
      throw InvalidArgument("shapes " + a.to_string() + " and " + b.to_string() + " do not broadcast: axis " +
                            std::to_string(-i) + " has sizes " + std::to_string(da) + " and " + std::to_string(db));
    }
    dims[static_cast<std::size_t>(rank - i)] = da == 1 ? db : da;
  }
  return Shape(std::move(dims));
}

}  // namespace keratin
