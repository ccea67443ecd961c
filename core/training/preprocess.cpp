#include "keratin/core/training/preprocess.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <numeric>
#include <random>

#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

// Row `from` of one tensor becomes row `to` of another one of the same row shape and dtype.
void copy_row(const Tensor& source, std::int64_t from, Tensor& target, std::int64_t to) {
  const std::size_t bytes = source.bytes() / static_cast<std::size_t>(source.shape()[0]);
  std::memcpy(static_cast<std::byte*>(target.raw()) + static_cast<std::size_t>(to) * bytes,
              static_cast<const std::byte*>(source.raw()) + static_cast<std::size_t>(from) * bytes, bytes);
}

Tensor rows_of(const Tensor& tensor, const std::vector<std::int64_t>& order) {
  if (!tensor.defined()) return tensor;
  Tensor result(tensor.shape(), tensor.dtype());
  for (std::size_t i = 0; i < order.size(); ++i) copy_row(tensor, order[i], result, static_cast<std::int64_t>(i));
  return result;
}

// The numbers below n in an order that depends on the seed only.
std::vector<std::int64_t> shuffled(std::int64_t n, std::uint64_t seed) {
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  std::mt19937_64 random(seed);
  for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random() % i]);
  return order;
}

bool at_end(const char* option, const std::string& word) {
  if (word == "pre" || word == "post") return word == "post";
  throw InvalidArgument(std::string("pad_sequences: ") + option + " must be 'pre' or 'post', got '" + word + "'");
}

template <class T>
Tensor padded(const std::vector<std::vector<T>>& sequences, const PadSequencesOptions& options) {
  const bool fill_end = at_end("padding", options.padding), cut_end = at_end("truncating", options.truncating);
  if (options.maxlen < 0) {
    throw InvalidArgument("pad_sequences: maxlen must not be negative, got " + std::to_string(options.maxlen));
  }
  std::size_t length = static_cast<std::size_t>(options.maxlen);
  if (length == 0) {
    for (const auto& sequence : sequences) length = std::max(length, sequence.size());
  }
  Tensor result = Tensor::full({static_cast<std::int64_t>(sequences.size()), static_cast<std::int64_t>(length)},
                               options.value, dtype_of<T>);
  auto row = result.values<T>().begin();
  for (const auto& sequence : sequences) {
    const std::size_t count = std::min(sequence.size(), length);
    const auto first = sequence.begin() + static_cast<std::ptrdiff_t>(cut_end ? 0 : sequence.size() - count);
    std::copy_n(first, count, row + static_cast<std::ptrdiff_t>(fill_end ? 0 : length - count));
    row += static_cast<std::ptrdiff_t>(length);
  }
  return result;
}

// Where windows begin, and what they are made of.
struct Windows {
  Tensor data, targets;
  std::int64_t length, rate, stride, first, count, batch;

  void make(const std::vector<std::int64_t>& order, std::size_t begin, std::int64_t size, Batch& result) const {
    Shape shape = Shape{size, length}.concat(data.shape().slice(1, data.rank()));
    Tensor x(shape, data.dtype()), y;
    if (targets.defined()) y = Tensor(Shape{size}.concat(targets.shape().slice(1, targets.rank())), targets.dtype());
    Tensor rows = x.reshape(Shape{size * length}.concat(data.shape().slice(1, data.rank())));
    for (std::int64_t i = 0; i < size; ++i) {
      const std::int64_t at = first + order[begin + static_cast<std::size_t>(i)] * stride;
      for (std::int64_t k = 0; k < length; ++k) copy_row(data, at + k * rate, rows, i * length + k);
      if (y.defined()) copy_row(targets, at, y, i);
    }
    result = {.x = x, .y = y.defined() ? TensorList(y) : TensorList()};
  }
};

}  // namespace

Tensor to_categorical(const Tensor& labels, std::int64_t num_classes) {
  Shape shape = labels.shape();
  if (shape.rank() > 1 && shape[-1] == 1) shape = shape.slice(0, shape.rank() - 1);
  const Tensor numbers = labels.astype(DType::float64);
  const auto values = numbers.values<double>();
  const double largest = values.empty() ? -1 : *std::max_element(values.begin(), values.end());
  if (num_classes == 0) num_classes = static_cast<std::int64_t>(std::clamp(largest, 0.0, 0x1p31)) + 1;
  for (double label : values) {
    if (label >= 0 && label < static_cast<double>(num_classes) && label == std::floor(label)) continue;
    throw InvalidArgument("to_categorical: labels must be whole numbers from 0 to " + std::to_string(num_classes - 1) +
                          ", got " + std::to_string(label));
  }
  Tensor result(shape.concat({num_classes}));
  for (std::size_t i = 0; i < values.size(); ++i) {
    result.values<float>()[i * static_cast<std::size_t>(num_classes) + static_cast<std::size_t>(values[i])] = 1;
  }
  return result;
}

Tensor pad_sequences(const std::vector<std::vector<std::int32_t>>& sequences, const PadSequencesOptions& options) {
  return padded(sequences, options);
}
Tensor pad_sequences(const std::vector<std::vector<float>>& sequences, const PadSequencesOptions& options) {
  return padded(sequences, options);
}

std::pair<Dataset, Dataset> split_dataset(const Dataset& data, double left_size, const SplitDatasetOptions& options) {
  if (!data.resident()) throw InvalidArgument("split_dataset: a generator's samples cannot be split; split its source");
  const std::int64_t size = data.size();
  const double left = left_size < 1 ? std::round(left_size * static_cast<double>(size)) : left_size;
  if (!(left >= 1 && left <= static_cast<double>(size - 1) && left == std::floor(left))) {
    throw InvalidArgument("split_dataset: left_size must leave samples on both sides of " + std::to_string(size) +
                          ", got " + std::to_string(left_size));
  }
  const auto at = static_cast<std::int64_t>(left);
  if (!options.shuffle) return {data.rows(0, at), data.rows(at, size)};
  const std::vector<std::int64_t> order = shuffled(size, options.seed);
  TensorList x, y;
  for (const Tensor& tensor : data.x()) x.push_back(rows_of(tensor, order));
  for (const Tensor& tensor : data.y()) y.push_back(rows_of(tensor, order));
  Dataset mixed(x, y, rows_of(data.sample_weight(), order));
  for (const Dataset::Mapping& mapping : data.maps()) mixed = mixed.map(mapping.function);
  return {mixed.rows(0, at), mixed.rows(at, size)};
}

Dataset timeseries_dataset_from_array(const Tensor& data, const Tensor& targets, std::int64_t sequence_length,
                                      const TimeseriesOptions& options) {
  const std::string where = "timeseries_dataset_from_array: ";
  if (!data.defined() || data.rank() == 0) throw InvalidArgument(where + "data must have rows");
  if (sequence_length < 1 || options.sequence_stride < 1 || options.sampling_rate < 1 || options.batch_size < 1) {
    throw InvalidArgument(where + "sequence_length, sequence_stride, sampling_rate and batch_size must be positive");
  }
  const std::int64_t rows = data.shape()[0], begin = options.start_index;
  const std::int64_t end = options.end_index < 0 ? rows : options.end_index;
  if (begin < 0 || begin >= end || end > rows) {
    throw InvalidArgument(where + "start_index and end_index must be ascending and within the " + std::to_string(rows) +
                          " rows, got " + std::to_string(begin) + " and " + std::to_string(end));
  }
  // The last row of a window lies (length - 1) rate rows behind its first one.
  const std::int64_t usable = end - begin;
  const bool longer = sequence_length > rows || (sequence_length > 1 && options.sampling_rate > rows);
  const std::int64_t reach = longer ? usable : (sequence_length - 1) * options.sampling_rate;
  std::int64_t count = usable > reach ? (usable - reach - 1) / options.sequence_stride + 1 : 0;
  if (targets.defined()) {
    if (targets.rank() == 0) throw InvalidArgument(where + "targets must have rows");
    const std::int64_t with_target = targets.shape()[0] - begin;
    count = std::min(count, with_target < 1 ? 0 : (with_target - 1) / options.sequence_stride + 1);
  }
  if (count < 1) {
    throw InvalidArgument(where + "no window of " + std::to_string(sequence_length) + " rows fits into " +
                          std::to_string(usable) + " rows, or there is no target for it");
  }
  const auto windows =
      std::make_shared<const Windows>(Windows{data, targets, sequence_length, options.sampling_rate,
                                              options.sequence_stride, begin, count, options.batch_size});
  const auto epochs = std::make_shared<std::uint64_t>(options.seed);
  return Dataset::from_generator([windows, epochs, shuffle = options.shuffle] {
    std::vector<std::int64_t> order(static_cast<std::size_t>(windows->count));
    std::iota(order.begin(), order.end(), 0);
    if (shuffle) order = shuffled(windows->count, (*epochs)++);
    return Generator([windows, order, next = std::size_t{0}](Batch& batch) mutable {
      if (next >= order.size()) return false;
      const std::int64_t size = std::min(windows->batch, static_cast<std::int64_t>(order.size() - next));
      windows->make(order, next, size, batch);
      next += static_cast<std::size_t>(size);
      return true;
    });
  });
}

}  // namespace keratin
