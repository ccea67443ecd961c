#include "keratin/io/detail/hdf5_chunks.h"

#include <algorithm>
#include <cstring>

#include "keratin/core/tensor/errors.h"
#include "keratin/io/detail/hdf5_filters.h"

namespace keratin::detail {
namespace {

constexpr std::string_view kTree = "chunk B-tree";

class ChunkReader {
 public:
  ChunkReader(H5Source& source, const H5Dataset& dataset, std::span<std::byte> raw)
      : source_(source), dataset_(dataset), raw_(raw), rank_(static_cast<std::size_t>(dataset.shape.rank())) {
    seen_.resize(static_cast<std::size_t>(dataset.chunk_count()));
  }

  void read() {
    const H5Layout& layout = dataset_.layout;
    if (layout.kind == H5Layout::Kind::one_chunk) {
      const std::uint64_t length = layout.length > 0 ? layout.length : dataset_.chunk_bytes();
      read_chunk(layout.address, length, layout.filter_mask, std::vector<std::uint64_t>(rank_));
    } else {
      read_tree(layout.address, -1);
    }
    if (read_ != seen_.size()) {
      throw FileError("expected " + std::to_string(seen_.size()) + " chunks of data, found " + std::to_string(read_));
    }
  }

 private:
  // `expected` is the node's level; -1 at the root, which says it itself.
  void read_tree(std::uint64_t address, int expected) {
    const H5Buffer head = source_.read_metadata(address, 24, kTree);
    H5Cursor cursor(head, kTree);
    cursor.signature("TREE");
    if (const int type = cursor.u8(); type != 1)
      cursor.fail("a tree of chunks", "a tree of type " + std::to_string(type));
    const int level = cursor.u8();
    if (expected >= 0 && level != expected) cursor.fail("level " + std::to_string(expected), std::to_string(level));
    const unsigned entries = cursor.u16();
    // An entry: stored length, filters left out, the chunk's first element on each axis and in the element; its
    // address.
    const std::size_t entry = 8 + (rank_ + 1) * 8 + 8;
    const H5Buffer body = source_.read_metadata(address + 24, entries * entry, kTree);
    H5Cursor children(body, kTree);
    for (unsigned i = 0; i < entries; ++i) {
      const std::uint32_t length = children.u32();
      const std::uint32_t mask = children.u32();
      std::vector<std::uint64_t> first(rank_);
      for (std::uint64_t& offset : first) offset = children.u64();
      children.skip(8);
      const std::uint64_t child = children.u64();
      if (level == 0) {
        read_chunk(child, length, mask, first);
      } else {
        read_tree(child, level - 1);
      }
    }
  }

  void read_chunk(std::uint64_t address, std::uint64_t length, std::uint32_t mask,
                  const std::vector<std::uint64_t>& first) {
    std::size_t index = 0;
    for (std::size_t axis = 0; axis < rank_; ++axis) {
      const std::uint64_t size = dimension(axis), step = dataset_.layout.chunk[axis];
      if (first[axis] >= size || first[axis] % step != 0) {
        throw FileError("expected chunks inside shape " + dataset_.shape.to_string() + ", found one at " +
                        std::to_string(first[axis]) + " on axis " + std::to_string(axis));
      }
      index = index * static_cast<std::size_t>((size + step - 1) / step) + static_cast<std::size_t>(first[axis] / step);
    }
    if (seen_[index]) throw FileError("expected each chunk of data once, found one twice");
    seen_[index] = true;
    ++read_;
    source_.check_range(address, length, "chunk of data");
    stored_.resize(static_cast<std::size_t>(length));
    source_.read(address, stored_, "chunk of data");
    undo_filters(dataset_.filters, mask, dataset_.chunk_bytes(), stored_, spare_);
    place(first);
  }

  // Copies the chunk's part inside the dataset, row by row of the last axis.
  void place(const std::vector<std::uint64_t>& first) {
    const std::vector<std::uint32_t>& chunk = dataset_.layout.chunk;
    const std::size_t element = dataset_.type.size;
    if (rank_ == 0) {
      std::memcpy(raw_.data(), stored_.data(), element);
      return;
    }
    const std::size_t last = rank_ - 1;
    const auto row = static_cast<std::size_t>(std::min<std::uint64_t>(chunk[last], dimension(last) - first[last]));
    std::vector<std::uint64_t> at(rank_);  // in the chunk
    while (true) {
      std::uint64_t from = 0, to = 0;
      for (std::size_t axis = 0; axis < rank_; ++axis) {
        from = from * chunk[axis] + at[axis];
        to = to * dimension(axis) + first[axis] + at[axis];
      }
      std::memcpy(raw_.data() + to * element, stored_.data() + from * element, row * element);
      std::size_t axis = last;
      while (axis > 0) {
        --axis;
        if (++at[axis] < std::min<std::uint64_t>(chunk[axis], dimension(axis) - first[axis])) break;
        at[axis] = 0;
        if (axis == 0) return;
      }
      if (last == 0) return;
    }
  }

  std::uint64_t dimension(std::size_t axis) const { return static_cast<std::uint64_t>(dataset_.shape.dims()[axis]); }

  H5Source& source_;
  const H5Dataset& dataset_;
  std::span<std::byte> raw_;
  std::size_t rank_;
  std::vector<bool> seen_;
  std::size_t read_ = 0;
  H5Buffer stored_, spare_;
};

}  // namespace

void read_chunks(H5Source& source, const H5Dataset& dataset, std::span<std::byte> raw) {
  ChunkReader(source, dataset, raw).read();
}

}  // namespace keratin::detail
