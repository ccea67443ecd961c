#include "keratin/io/detail/hdf5_dense.h"

#include <algorithm>
#include <bit>

#include "keratin/core/tensor/errors.h"

namespace keratin::detail {
namespace {

constexpr std::string_view kHeap = "fractal heap";
constexpr std::string_view kTree = "B-tree";

// Bytes needed for numbers up to `limit`.
std::size_t width_of(std::uint64_t limit) { return limit == 0 ? 1 : (std::bit_width(limit) + 7u) / 8u; }

class FractalHeap {
 public:
  FractalHeap(H5Source& source, std::uint64_t address) : source_(source), address_(address) {
    const H5Buffer bytes = source.read_metadata(address, 146, kHeap);
    H5Cursor cursor(bytes, kHeap);
    cursor.signature("FRHP");
    cursor.version(0, 0);
    id_width_ = cursor.u16();
    if (cursor.u16() != 0) cursor.fail("an unpacked heap", "one with filters");
    cursor.skip(1);  // flags
    const std::uint32_t largest_object = cursor.u32();
    cursor.skip(12 * 8);  // huge objects, free space, statistics
    width_ = cursor.u16();
    start_size_ = cursor.u64();
    max_direct_ = cursor.u64();
    const unsigned bits = cursor.u16();
    cursor.skip(2);
    root_ = cursor.u64();
    root_rows_ = cursor.u16();
    check_checksum(H5Span(bytes).first(cursor.position() + 4), kHeap);
    if (width_ == 0 || !std::has_single_bit(width_) || !std::has_single_bit(start_size_) ||
        !std::has_single_bit(max_direct_) || start_size_ > max_direct_ || max_direct_ > (1u << 30) || bits > 64 ||
        bits == 0 || width_ > 1024) {
      cursor.fail("block sizes that are powers of two", "other numbers");
    }
    offset_width_ = (bits + 7) / 8;
    // Enough for offsets inside the largest block, or for the largest object when that is less.
    const auto block_bits = static_cast<std::size_t>(std::countr_zero(max_direct_));
    length_width_ = std::max<std::size_t>(1, std::min((block_bits + 7) / 8, width_of(largest_object)));
  }

  std::size_t id_width() const { return id_width_; }

  H5Buffer object(H5Span id) {
    H5Cursor cursor(id, "heap id");
    const unsigned kind = cursor.u8();
    if (kind >> 6 != 0) cursor.fail("version 0", std::to_string(kind >> 6));
    if ((kind >> 4 & 3) == 2) {  // a tiny object lies in its id
      const H5Span bytes = cursor.take((kind & 15) + 1u);
      return {bytes.begin(), bytes.end()};
    }
    if ((kind >> 4 & 3) != 0) cursor.fail("an object inside the heap's blocks", "a huge object");
    const std::uint64_t offset = cursor.number(offset_width_);
    const std::uint64_t length = cursor.number(length_width_);
    const auto [block, block_offset, block_size] = find_block(offset);
    const std::uint64_t within = offset - block_offset;
    if (length > block_size - within) cursor.fail("an object inside one block", "one that leaves it");
    source_.check_range(block, block_size, kHeap);
    return source_.read_metadata(block + within, length, kHeap);
  }

 private:
  struct Block {
    std::uint64_t address, offset, size;
  };

  // The table of an indirect block has `width_` blocks in each row; rows 0 and 1 have the starting size, each further
  // row twice the one before. Blocks above max_direct_ are indirect blocks again.
  std::uint64_t size_in_row(unsigned row) const { return row < 2 ? start_size_ : start_size_ << (row - 1); }

  Block find_block(std::uint64_t offset) {
    if (root_rows_ == 0) {
      if (offset >= start_size_) throw FileError("fractal heap: expected an object inside its only block");
      return checked({root_, 0, start_size_});
    }
    std::uint64_t address = root_, base = 0;
    unsigned rows = root_rows_;
    const unsigned direct_rows =
        static_cast<unsigned>(std::countr_zero(max_direct_) - std::countr_zero(start_size_)) + 2;
    // Each turn goes to a smaller block, so this ends.
    while (true) {
      const unsigned max_rows = 64u - static_cast<unsigned>(std::countr_zero(start_size_ * width_));
      if (rows > max_rows) throw FileError("fractal heap: expected fewer rows, found " + std::to_string(rows));
      std::uint64_t row_offset = base;
      unsigned row = 0;
      while (row < rows && offset - row_offset >= size_in_row(row) * width_) row_offset += size_in_row(row++) * width_;
      if (row == rows) throw FileError("fractal heap: expected an object inside its blocks, found one behind them");
      const std::uint64_t size = size_in_row(row);
      const std::uint64_t column = (offset - row_offset) / size;
      const std::uint64_t child = indirect_entry(address, rows, row * width_ + column);
      const std::uint64_t child_offset = row_offset + column * size;
      if (row < direct_rows) return checked({child, child_offset, size});
      address = child;
      base = child_offset;
      rows = static_cast<unsigned>(std::countr_zero(size) - std::countr_zero(start_size_ * width_)) + 1;
    }
  }

  std::uint64_t indirect_entry(std::uint64_t address, unsigned rows, std::uint64_t index) {
    const std::size_t prefix = 4 + 1 + 8 + offset_width_;
    // Checking a block's sum once is enough; its objects are looked up one by one.
    if (address != indirect_address_) {
      indirect_ = source_.read_metadata(address, prefix + std::uint64_t{rows} * width_ * 8 + 4, kHeap);
      check_checksum(indirect_, kHeap);
      H5Cursor cursor(indirect_, kHeap);
      cursor.signature("FHIB");
      cursor.version(0, 0);
      indirect_address_ = address;
    }
    H5Cursor cursor(indirect_, kHeap);
    cursor.skip(prefix + index * 8);
    return cursor.u64();
  }

  Block checked(Block block) {
    if (block.address == checked_) return block;
    const H5Buffer head = source_.read_metadata(block.address, 13, kHeap);
    H5Cursor cursor(head, kHeap);
    cursor.signature("FHDB");
    cursor.version(0, 0);
    if (cursor.u64() != address_) cursor.fail("a block of this heap", "another's");
    checked_ = block.address;
    return block;
  }

  H5Source& source_;
  std::uint64_t address_;
  std::size_t id_width_ = 0, offset_width_ = 0, length_width_ = 0;
  std::uint64_t width_ = 0, start_size_ = 0, max_direct_ = 0, root_ = 0;
  unsigned root_rows_ = 0;
  std::uint64_t indirect_address_ = kNoAddress, checked_ = kNoAddress;
  H5Buffer indirect_;
};

class TreeWalk {
 public:
  TreeWalk(H5Source& source, int record_type, const std::function<void(H5Span)>& visit)
      : source_(source), type_(record_type), visit_(visit) {}

  void walk(std::uint64_t address) {
    const H5Buffer bytes = source_.read_metadata(address, 38, kTree);
    check_checksum(bytes, kTree);
    H5Cursor cursor(bytes, kTree);
    cursor.signature("BTHD");
    cursor.version(0, 0);
    check_type(cursor);
    node_size_ = cursor.u32();
    record_size_ = cursor.u16();
    const unsigned depth = cursor.u16();
    cursor.skip(2);  // when to split and merge
    const std::uint64_t root = cursor.u64();
    const unsigned records = cursor.u16();
    if (record_size_ == 0 || node_size_ < kOverhead + record_size_ || depth > 16) {
      cursor.fail("nodes that hold a record", "a node size of " + std::to_string(node_size_));
    }
    const std::uint64_t leaf_most = (node_size_ - kOverhead) / record_size_;
    count_width_ = width_of(leaf_most);
    total_widths_.assign(1, 0);
    std::uint64_t total = leaf_most;
    for (unsigned level = 1; level <= depth; ++level) {
      const std::size_t pointer = 8 + count_width_ + total_widths_.back();
      if (node_size_ < kOverhead + pointer) cursor.fail("nodes that hold a pointer", "smaller ones");
      const std::uint64_t most = (node_size_ - kOverhead - pointer) / (record_size_ + pointer);
      if (__builtin_mul_overflow(most + 1, total, &total) || __builtin_add_overflow(total, most, &total)) {
        cursor.fail("a lower tree", std::to_string(depth) + " levels");
      }
      total_widths_.push_back(width_of(total));
    }
    if (root != kNoAddress) node(root, records, depth);
  }

 private:
  static constexpr std::size_t kOverhead = 10;  // signature, version, type, checksum

  void check_type(H5Cursor& cursor) {
    const int type = cursor.u8();
    if (type != type_) cursor.fail("records of type " + std::to_string(type_), std::to_string(type));
  }

  void node(std::uint64_t address, std::uint64_t records, unsigned level) {
    const std::size_t pointer = level == 0 ? 0 : 8 + count_width_ + total_widths_[level - 1];
    const std::uint64_t used = kOverhead + records * record_size_ + (level == 0 ? 0 : (records + 1) * pointer);
    if (used > node_size_)
      throw FileError("B-tree: expected records that fit a node, found " + std::to_string(records));
    const H5Buffer bytes = source_.read_metadata(address, used, kTree);
    check_checksum(bytes, kTree);
    H5Cursor cursor(bytes, kTree);
    cursor.signature(level == 0 ? "BTLF" : "BTIN");
    cursor.version(0, 0);
    check_type(cursor);
    for (std::uint64_t i = 0; i < records; ++i) visit_(cursor.take(record_size_));
    for (std::uint64_t i = 0; level > 0 && i <= records; ++i) {
      const std::uint64_t child = cursor.u64();
      const std::uint64_t count = cursor.number(count_width_);
      cursor.skip(total_widths_[level - 1]);
      node(child, count, level - 1);
    }
  }

  H5Source& source_;
  int type_;
  const std::function<void(H5Span)>& visit_;
  std::uint64_t node_size_ = 0, record_size_ = 0;
  std::size_t count_width_ = 0;
  std::vector<std::size_t> total_widths_;  // of the number of records below a node, by level
};

}  // namespace

void read_dense(H5Source& source, std::uint64_t heap_address, std::uint64_t tree_address, int record_type,
                std::size_t heap_id_at, const std::function<void(H5Span)>& visit) {
  FractalHeap heap(source, heap_address);
  TreeWalk(source, record_type, [&](H5Span record) {
    H5Cursor cursor(record, kTree);
    cursor.skip(heap_id_at);
    visit(heap.object(cursor.take(heap.id_width())));
  }).walk(tree_address);
}

}  // namespace keratin::detail
