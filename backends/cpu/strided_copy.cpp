#include "keratin/backends/cpu/strided_copy.h"

#include <cstdint>
#include <cstring>

namespace keratin::cpu {
namespace {

// Elements are moved as bits: f.operator()<E>() with an unsigned integer of their size.
template <class F>
void visit_size(std::size_t element_size, F&& f) {
  switch (element_size) {
    case 1: return f.template operator()<std::uint8_t>();
    case 4: return f.template operator()<std::uint32_t>();
    default: return f.template operator()<std::uint64_t>();
  }
}

}  // namespace

std::optional<StridedCopy> StridedCopy::make(const op_support::CopyWalk& walk, std::size_t element_size) {
  std::vector<StridedAxis> axes = join_axes(walk.box, {walk.from, walk.to});
  StridedCopy copy;
  if (!axes.empty()) {
    copy.run_ = axes.back().size;
    copy.from_stride_ = axes.back().stride[0];
    copy.to_stride_ = axes.back().stride[1];
    axes.pop_back();
  }
  const auto outer = outer_loop(axes);
  if (!outer) return std::nullopt;
  copy.outer_ = *outer;
  copy.split_ = RowSplit(outer->rows, copy.run_, kGrainLight);
  copy.element_size_ = element_size;
  copy.from_offset_ = walk.from_offset;
  copy.to_offset_ = walk.to_offset;
  return copy;
}

template <class E>
void StridedCopy::run(const E* from, E* to) const {
  from += from_offset_;
  to += to_offset_;
  split_.run([&](i64 row, i64 row_end, i64 begin, i64 end) {
    OuterLoop::Position at = outer_.at(row);
    for (; row < row_end; ++row, outer_.advance(at)) {
      const E* source = from + at.offset[0] + begin * from_stride_;
      E* target = to + at.offset[1] + begin * to_stride_;
      const i64 n = end - begin;
      if (to_stride_ == 1 && from_stride_ == 1) {
        std::memcpy(target, source, static_cast<std::size_t>(n) * sizeof(E));
      } else if (to_stride_ == 1 && from_stride_ == 0) {
        const E value = *source;
        for (i64 i = 0; i < n; ++i) target[i] = value;
      } else {
        for (i64 i = 0; i < n; ++i) target[i * to_stride_] = source[i * from_stride_];
      }
    }
  });
}

void StridedCopy::operator()(const void* from, void* to) const {
  visit_size(element_size_, [&]<class E>() { run(static_cast<const E*>(from), static_cast<E*>(to)); });
}

void fill_elements(void* to, i64 n, const void* value, std::size_t element_size) {
  visit_size(element_size, [&]<class E>() {
    E bits;
    std::memcpy(&bits, value, sizeof bits);
    std::fill_n(static_cast<E*>(to), n, bits);
  });
}

}  // namespace keratin::cpu
