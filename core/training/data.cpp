#include "keratin/core/training/data.h"

#include <atomic>

#include "keratin/core/tensor/errors.h"

namespace keratin {

TensorList::TensorList() = default;
TensorList::TensorList(const TensorList&) = default;
TensorList::TensorList(TensorList&&) noexcept = default;
TensorList& TensorList::operator=(const TensorList&) = default;
TensorList& TensorList::operator=(TensorList&&) noexcept = default;
TensorList::~TensorList() = default;
TensorList::TensorList(const Tensor& tensor) : items_{tensor} {}
TensorList::TensorList(std::initializer_list<Tensor> tensors) : items_(tensors) {}
TensorList::TensorList(std::vector<Tensor> tensors) : items_(std::move(tensors)) {}

void TensorList::push_back(Tensor tensor) { items_.push_back(std::move(tensor)); }

Dataset::Dataset(TensorList x, TensorList y, Tensor sample_weight)
    : x_(std::move(x)), y_(std::move(y)), sample_weight_(std::move(sample_weight)) {
  if (x_.empty()) throw InvalidArgument("the data has no x");
  std::int64_t rows = -1;
  auto check = [&](const Tensor& tensor, const std::string& what) {
    if (!tensor.defined() || tensor.rank() == 0) {
      throw InvalidArgument(what + " must be a tensor with samples along its first axis, got " +
                            (tensor.defined() ? "a scalar" : "an undefined tensor"));
    }
    if (rows < 0) rows = tensor.shape()[0];
    if (tensor.shape()[0] != rows) {
      throw InvalidArgument("x has " + std::to_string(rows) + " samples and " + what + " has " +
                            std::to_string(tensor.shape()[0]) + "; they must agree");
    }
  };
  for (std::size_t i = 0; i < x_.size(); ++i) check(x_[i], x_.size() == 1 ? "x" : "x[" + std::to_string(i) + "]");
  for (std::size_t i = 0; i < y_.size(); ++i) check(y_[i], y_.size() == 1 ? "y" : "y[" + std::to_string(i) + "]");
  if (sample_weight_.defined()) {
    check(sample_weight_, "sample_weight");
    sample_weight_ = sample_weight_.astype(DType::float32);
  }
  if (rows == 0) throw InvalidArgument("the data is empty: x has shape " + x_[0].shape().to_string());
}

Dataset Dataset::from_generator(std::function<Generator()> make) {
  if (!make) throw InvalidArgument("Dataset::from_generator: the function is empty");
  Dataset result;
  result.make_ = std::move(make);
  return result;
}

Dataset Dataset::map(Map function) const {
  Dataset result = *this;
  static std::atomic<std::uint64_t> next{1};
  result.maps_.push_back({std::move(function), next++});
  return result;
}

std::int64_t Dataset::size() const { return resident() ? x_[0].shape()[0] : -1; }

Dataset Dataset::rows(std::int64_t begin, std::int64_t end) const {
  Dataset result = *this;
  for (std::size_t i = 0; i < x_.size(); ++i) result.x_[i] = x_[i].rows(begin, end);
  for (std::size_t i = 0; i < y_.size(); ++i) result.y_[i] = y_[i].rows(begin, end);
  if (sample_weight_.defined()) result.sample_weight_ = sample_weight_.rows(begin, end);
  return result;
}

Tensor class_weights(const Tensor& labels, const std::map<std::int64_t, double>& class_weight,
                     const Tensor& sample_weight) {
  const std::int64_t rows = labels.shape()[0];
  const std::int64_t width = rows > 0 ? labels.size() / rows : 1;
  Tensor result = Tensor::full({rows}, 1.0);
  auto out = result.values<float>();
  const Tensor numbers = labels.astype(DType::float64);
  auto values = numbers.values<double>();
  for (std::int64_t i = 0; i < rows; ++i) {
    // One-hot targets name their class by the largest element.
    std::int64_t label = 0;
    if (width == 1) {
      label = static_cast<std::int64_t>(values[static_cast<std::size_t>(i)]);
    } else {
      for (std::int64_t j = 1; j < width; ++j) {
        if (values[static_cast<std::size_t>(i * width + j)] > values[static_cast<std::size_t>(i * width + label)])
          label = j;
      }
    }
    auto found = class_weight.find(label);
    if (found != class_weight.end()) out[static_cast<std::size_t>(i)] = static_cast<float>(found->second);
  }
  if (sample_weight.defined()) {
    const Tensor given = sample_weight.astype(DType::float32);
    auto factors = given.values<float>();
    if (factors.size() != out.size()) {
      throw InvalidArgument("class_weight needs one sample_weight for each of the " + std::to_string(rows) +
                            " samples, got shape " + sample_weight.shape().to_string());
    }
    for (std::size_t i = 0; i < out.size(); ++i) out[i] *= factors[i];
  }
  return result;
}

}  // namespace keratin
