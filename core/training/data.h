// What models are trained on: tensors, or generators of batches; both may be mapped by ops.
#pragma once

#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <vector>

#include "keratin/core/graph/value.h"
#include "keratin/core/tensor/tensor.h"

namespace keratin {

// One tensor for each input (or output) of a model. A model with one takes a Tensor.
class TensorList {
 public:
  TensorList();
  // Not inline: copied wherever users write a model.
  TensorList(const TensorList&);
  TensorList(TensorList&&) noexcept;
  TensorList& operator=(const TensorList&);
  TensorList& operator=(TensorList&&) noexcept;
  ~TensorList();
  TensorList(const Tensor& tensor);  // NOLINT(google-explicit-constructor)
  TensorList(std::initializer_list<Tensor> tensors);
  explicit TensorList(std::vector<Tensor> tensors);
  std::size_t size() const { return items_.size(); }
  bool empty() const { return items_.empty(); }
  const Tensor& operator[](std::size_t i) const { return items_[i]; }
  Tensor& operator[](std::size_t i) { return items_[i]; }
  auto begin() const { return items_.begin(); }
  auto end() const { return items_.end(); }
  void push_back(Tensor tensor);

 private:
  std::vector<Tensor> items_;
};

// The samples of one step. sample_weight is empty or float32 (n,).
struct Batch {
  TensorList x, y;
  Tensor sample_weight = {};
};

// Fills a batch, reusing the tensors in it when their shapes fit, and returns true; or returns false at the end.
using Generator = std::function<bool(Batch& batch)>;

class Dataset {
 public:
  using Map = std::function<std::pair<Values, Values>(const Values& x, const Values& y)>;

  // All samples at once; x, y (and weights) agree in their first axis. Throws InvalidArgument otherwise, or when empty.
  explicit Dataset(TensorList x, TensorList y, Tensor sample_weight = {});
  // `make` begins an epoch. Batches may differ in size; each size has its own plan. The next batch is generated in
  // another thread while the model works on the last one.
  static Dataset from_generator(std::function<Generator()> make);
  // The same data with every batch passed through a function of ops, on the device.
  Dataset map(Map function) const;

  // A function with a number of its own: equal numbers mean the same function, so that plans can be kept.
  struct Mapping {
    Map function;
    std::uint64_t id = 0;
  };

  bool resident() const { return !make_; }
  const TensorList& x() const { return x_; }
  const TensorList& y() const { return y_; }
  const Tensor& sample_weight() const { return sample_weight_; }
  // The number of samples; -1 for generators.
  std::int64_t size() const;
  Generator begin_epoch() const { return make_(); }
  const std::vector<Mapping>& maps() const { return maps_; }
  // Rows [begin, end) of resident data.
  Dataset rows(std::int64_t begin, std::int64_t end) const;

 private:
  Dataset() = default;
  TensorList x_, y_;
  Tensor sample_weight_;
  std::function<Generator()> make_;
  std::vector<Mapping> maps_;
};

// float32 (n,) weights for integer labels: the label's weight, 1 where a label has none, times `sample_weight` if
// given.
Tensor class_weights(const Tensor& labels, const std::map<std::int64_t, double>& class_weight,
                     const Tensor& sample_weight = {});

}  // namespace keratin
