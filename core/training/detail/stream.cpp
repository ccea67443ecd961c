#include "keratin/core/training/detail/stream.h"

#include <algorithm>
#include <cstring>

#include "keratin/core/ops/permutation.h"

namespace keratin {
namespace {

// One epoch through the data.
class Stream {
 public:
  Stream(const Dataset& data, std::int64_t batch, bool shuffle, std::uint64_t key)
      : data_(data), batch_(batch), shuffle_(shuffle), key_(key) {}

  bool next(Batch& batch) {
    const std::int64_t rows = std::min(batch_, data_.size() - position_);
    if (rows <= 0) return false;
    gather(data_.x(), rows, batch.x);
    gather(data_.y(), rows, batch.y);
    if (data_.sample_weight().defined()) gather(data_.sample_weight(), rows, batch.sample_weight);
    position_ += rows;
    return true;
  }

 private:
  void gather(const TensorList& from, std::int64_t rows, TensorList& to) const {
    if (to.size() != from.size()) to = TensorList(std::vector<Tensor>(from.size()));
    for (std::size_t i = 0; i < from.size(); ++i) gather(from[i], rows, to[i]);
  }

  void gather(const Tensor& from, std::int64_t rows, Tensor& to) const {
    Shape shape = from.shape();
    shape[0] = rows;
    if (!to.defined() || to.shape() != shape || to.dtype() != from.dtype()) to = Tensor(shape, from.dtype());
    const std::size_t row = from.bytes() / static_cast<std::size_t>(data_.size());
    const auto* source = static_cast<const std::byte*>(from.raw());
    auto* target = static_cast<std::byte*>(to.raw());
    for (std::int64_t i = 0; i < rows; ++i) {
      auto index = static_cast<std::uint64_t>(position_ + i);
      if (shuffle_) index = permute_index(index, static_cast<std::uint64_t>(data_.size()), key_);
      std::memcpy(target + static_cast<std::size_t>(i) * row, source + index * row, row);
    }
  }

  Dataset data_;
  std::int64_t batch_;
  bool shuffle_;
  std::uint64_t key_;
  std::int64_t position_ = 0;
};

}  // namespace

std::int64_t bytes_of(const Dataset& data) {
  auto bytes = static_cast<std::int64_t>(data.sample_weight().bytes());
  for (const Tensor& x : data.x()) bytes += static_cast<std::int64_t>(x.bytes());
  for (const Tensor& y : data.y()) bytes += static_cast<std::int64_t>(y.bytes());
  return bytes;
}

Generator stream_batches(const Dataset& data, std::int64_t batch, bool shuffle, std::uint64_t key) {
  return [stream = Stream(data, batch, shuffle, key)](Batch& to) mutable { return stream.next(to); };
}

Dataset streamed(const Dataset& data, std::int64_t batch) {
  Dataset result = Dataset::from_generator([data, batch] { return stream_batches(data, batch, false, 0); });
  for (const Dataset::Mapping& map : data.maps()) result = result.map(map.function);
  return result;
}

}  // namespace keratin
