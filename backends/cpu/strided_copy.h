// Copies between places with different strides: slices, pads, concatenations, broadcasts.
#pragma once

#include <optional>
#include <vector>

#include "keratin/backends/cpu/strided.h"
#include "keratin/core/ops/detail/walks.h"

namespace keratin::cpu {

class StridedCopy {
 public:
  // Nothing when there are too many axes.
  static std::optional<StridedCopy> make(const op_support::CopyWalk& walk, std::size_t element_size);

  void operator()(const void* from, void* to) const;
  i64 chunks() const { return split_.rows.chunks * split_.pieces.chunks; }

 private:
  template <class E>
  void run(const E* from, E* to) const;

  OuterLoop outer_;
  i64 run_ = 1, from_stride_ = 1, to_stride_ = 1;
  RowSplit split_;
  std::size_t element_size_ = 1;
  i64 from_offset_ = 0, to_offset_ = 0;
};

// Writes `value` (one element of `element_size` bytes) n times.
void fill_elements(void* to, i64 n, const void* value, std::size_t element_size);

}  // namespace keratin::cpu
