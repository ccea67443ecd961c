#include "keratin/io/detail/hdf5_object.h"

#include <algorithm>

#include "keratin/core/tensor/errors.h"

namespace keratin::detail {
namespace {

constexpr std::string_view kSignature("\x89HDF\r\n\x1a\n", 8);
constexpr std::string_view kSuperblock = "superblock";
constexpr std::string_view kHeader = "object header";
// More pieces than this are no header that a library wrote.
constexpr std::size_t kMaxBlocks = 4096;

void check_widths(H5Cursor& cursor) {
  const int offsets = cursor.u8(), lengths = cursor.u8();
  if (offsets != 8 || lengths != 8) {
    cursor.fail("offsets and lengths of 8 bytes", std::to_string(offsets) + " and " + std::to_string(lengths));
  }
}

void check_extent(const H5Source& source, const H5Cursor& cursor, std::uint64_t base, std::uint64_t end) {
  if (base != 0) cursor.fail("base address 0", std::to_string(base));
  if (end > source.size()) {
    throw FileError("the file is truncated: expected " + std::to_string(end) + " bytes, found " +
                    std::to_string(source.size()));
  }
}

// One block of a header: messages of the old (1) or the new (2) kind.
class HeaderReader {
 public:
  HeaderReader(H5Source& source, std::uint64_t address) : source_(source) { object_.address = address; }

  H5Object read() {
    const std::uint64_t address = object_.address;
    source_.check_range(address, 16, kHeader);
    const H5Buffer start =
        source_.read_metadata(address, std::min<std::uint64_t>(source_.size() - address, 40), kHeader);
    if (start[0] == std::byte{'O'}) {
      read_new(address, start);
    } else {
      read_old(address, start);
    }
    for (std::size_t i = 0; i < continuations_.size(); ++i) {
      if (i == kMaxBlocks) throw FileError("object header: it continues without end");
      const auto [offset, length] = continuations_[i];
      H5Buffer block = source_.read_metadata(offset, length, kHeader);
      H5Span body = block;
      if (new_kind_) {
        check_checksum(block, kHeader);
        H5Cursor(block, kHeader).signature("OCHK");
        body = body.subspan(4, body.size() - 8);
      }
      add_messages(std::move(block), body);
    }
    return std::move(object_);
  }

 private:
  void read_old(std::uint64_t address, H5Span start) {
    H5Cursor cursor(start, kHeader);
    cursor.version(1, 1);
    cursor.skip(7);
    const std::uint32_t length = cursor.u32();
    H5Buffer block = source_.read_metadata(address + 16, length, kHeader);
    const H5Span body = block;
    add_messages(std::move(block), body);
  }

  void read_new(std::uint64_t address, H5Span start) {
    new_kind_ = true;
    H5Cursor cursor(start, kHeader);
    cursor.signature("OHDR");
    cursor.version(2, 2);
    const unsigned flags = cursor.u8();
    if (flags & 0x20) cursor.skip(16);  // times
    if (flags & 0x10) cursor.skip(4);   // where attributes change from compact to dense
    tracks_order_ = flags & 0x04;
    const std::uint64_t length = cursor.number(std::size_t{1} << (flags & 3));
    const std::size_t prefix = cursor.position();
    source_.check_range(address, length, kHeader);
    H5Buffer block = source_.read_metadata(address, prefix + length + 4, kHeader);
    check_checksum(block, kHeader);
    const H5Span body = H5Span(block).subspan(prefix, static_cast<std::size_t>(length));
    add_messages(std::move(block), body);
  }

  void add_messages(H5Buffer block, H5Span body) {
    object_.blocks.push_back(std::move(block));  // moving a vector leaves its bytes where they are
    H5Cursor cursor(body, kHeader);
    const std::size_t prefix = !new_kind_ ? 8 : tracks_order_ ? 6 : 4;
    while (cursor.left() >= prefix) {  // less is a gap
      const auto type = static_cast<H5MessageType>(cursor.number(new_kind_ ? 1 : 2));
      const std::uint16_t length = cursor.u16();
      const unsigned flags = cursor.u8();
      cursor.skip(prefix - (new_kind_ ? 4 : 5));
      add_message({type, cursor.take(length)}, flags);
    }
  }

  void add_message(H5Message message, unsigned flags) {
    constexpr unsigned kShared = 0x02, kMustUnderstand = 0x80;
    if (message.type == H5MessageType::continuation) {
      H5Cursor cursor(message.body, "object header continuation");
      const std::uint64_t offset = cursor.u64();
      continuations_.emplace_back(offset, cursor.u64());
      return;
    }
    if (flags & kShared) {
      throw FileError(
          "a committed (named) datatype or another shared message is not supported; save the file with plain datasets");
    }
    // 0x17 would be the first kind that this reader has never heard of.
    if ((flags & kMustUnderstand) && static_cast<unsigned>(message.type) > 0x16) {
      throw FileError("object header: expected known messages, found kind " +
                      std::to_string(static_cast<unsigned>(message.type)));
    }
    object_.messages.push_back(message);
  }

  H5Source& source_;
  H5Object object_;
  bool new_kind_ = false;
  bool tracks_order_ = false;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> continuations_;
};

}  // namespace

const H5Message* H5Object::find(H5MessageType type) const {
  const H5Message* found = nullptr;
  for (const H5Message& message : messages) {
    if (message.type != type) continue;
    if (found) {
      throw FileError("object header: expected one message of kind " + std::to_string(static_cast<unsigned>(type)) +
                      ", found several");
    }
    found = &message;
  }
  return found;
}

std::uint64_t read_superblock(H5Source& source) {
  if (source.size() == 0) throw FileError("expected an HDF5 file, found an empty file");
  const H5Buffer bytes = source.read_metadata(0, std::min<std::uint64_t>(source.size(), 104), kSuperblock);
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  if (bytes.size() < kSignature.size() || std::string_view(text, kSignature.size()) != kSignature) {
    throw FileError("expected an HDF5 file, found other content (the HDF5 signature is missing)");
  }
  H5Cursor cursor(bytes, kSuperblock);
  cursor.skip(kSignature.size());
  const int version = cursor.version(0, 3);
  if (version < 2) {
    cursor.skip(4);  // versions of parts
    check_widths(cursor);
    cursor.skip(version == 0 ? 9 : 13);  // sizes of tree nodes, flags
    const std::uint64_t base = cursor.u64();
    cursor.skip(8);  // free space
    check_extent(source, cursor, base, cursor.u64());
    const std::uint64_t driver = cursor.u64();
    if (driver != kNoAddress) cursor.fail("one plain file", "a part of a file that is stored in pieces");
    cursor.skip(8);
    return cursor.u64();
  }
  check_widths(cursor);
  if (cursor.u8() & 1) cursor.fail("a closed file", "one that its writer did not close");
  const std::uint64_t base = cursor.u64();
  cursor.skip(8);  // extension
  check_extent(source, cursor, base, cursor.u64());
  const std::uint64_t root = cursor.u64();
  check_checksum(H5Span(bytes).first(std::min<std::size_t>(bytes.size(), cursor.position() + 4)), kSuperblock);
  return root;
}

H5Object read_object(H5Source& source, std::uint64_t address) { return HeaderReader(source, address).read(); }

}  // namespace keratin::detail
