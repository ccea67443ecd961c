#include "keratin/io/detail/hdf5_links.h"

#include <algorithm>

#include "keratin/core/tensor/errors.h"
#include "keratin/io/detail/hdf5_dense.h"

namespace keratin::detail {
namespace {

class LinkReader {
 public:
  LinkReader(H5Source& source, std::size_t limit) : source_(source), limit_(limit) {}

  std::vector<H5Link> read(const H5Object& group) {
    if (const H5Message* table = group.find(H5MessageType::symbol_table)) read_symbol_table(table->body);
    if (const H5Message* info = group.find(H5MessageType::link_info)) read_dense_links(info->body);
    for (const H5Message& message : group.messages) {
      if (message.type == H5MessageType::link) read_link(message.body);
    }
    std::sort(links_.begin(), links_.end(), [](const H5Link& a, const H5Link& b) { return a.name < b.name; });
    const auto twice = std::adjacent_find(links_.begin(), links_.end(),
                                          [](const H5Link& a, const H5Link& b) { return a.name == b.name; });
    if (twice != links_.end())
      throw FileError("expected different names, found '" + printable(twice->name) + "' twice");
    return std::move(links_);
  }

 private:
  void add(std::string name, std::uint64_t address) {
    if (name.empty() || name == "." || name.find('/') != std::string::npos || name.find('\0') != std::string::npos) {
      throw FileError("expected the name of a group or dataset, found '" + printable(name) + "'");
    }
    if (links_.size() >= limit_) throw FileError("the file has more groups and datasets than the limit allows");
    links_.push_back({std::move(name), address});
  }

  [[noreturn]] static void refuse(const std::string& name, const std::string& kind) {
    throw FileError("'" + printable(name) + "': expected data in the file itself, found " + kind +
                    "; such links are not followed, copy what it points to into the file");
  }

  // The old kind: a version 1 B-tree whose leaves ("SNOD") have the entries; the names lie in a local heap.
  void read_symbol_table(H5Span message) {
    H5Cursor cursor(message, "symbol table");
    const std::uint64_t tree = cursor.u64();
    const H5Buffer head = source_.read_metadata(cursor.u64(), 32, "local heap");
    H5Cursor heap(head, "local heap");
    heap.signature("HEAP");
    heap.version(0, 0);
    heap.skip(3);
    const std::uint64_t length = heap.u64();
    heap.skip(8);
    names_ = source_.read_metadata(heap.u64(), length, "local heap");
    read_tree(tree, -1);
  }

  // `expected` is the node's level; -1 at the root, which says it itself.
  void read_tree(std::uint64_t address, int expected) {
    constexpr std::string_view kTree = "group B-tree";
    const H5Buffer head = source_.read_metadata(address, 24, kTree);
    H5Cursor cursor(head, kTree);
    cursor.signature("TREE");
    if (const int type = cursor.u8(); type != 0)
      cursor.fail("a tree of links", "a tree of type " + std::to_string(type));
    const int level = cursor.u8();
    if (expected >= 0 && level != expected) cursor.fail("level " + std::to_string(expected), std::to_string(level));
    const unsigned entries = cursor.u16();
    const H5Buffer body = source_.read_metadata(address + 24, std::uint64_t{entries} * 16 + 8, kTree);
    H5Cursor children(body, kTree);
    for (unsigned i = 0; i < entries; ++i) {
      children.skip(8);  // key: the first name, as an offset in the heap
      const std::uint64_t child = children.u64();
      if (level == 0) {
        read_symbols(child);
      } else {
        read_tree(child, level - 1);
      }
    }
  }

  void read_symbols(std::uint64_t address) {
    constexpr std::string_view kNode = "symbol node";
    const H5Buffer head = source_.read_metadata(address, 8, kNode);
    H5Cursor cursor(head, kNode);
    cursor.signature("SNOD");
    cursor.version(1, 1);
    cursor.skip(1);
    const unsigned count = cursor.u16();
    const H5Buffer body = source_.read_metadata(address + 8, std::uint64_t{count} * 40, kNode);
    H5Cursor entries(body, kNode);
    for (unsigned i = 0; i < count; ++i) {
      const std::uint64_t name_at = entries.u64();
      const std::uint64_t object = entries.u64();
      const std::uint32_t cache = entries.u32();
      entries.skip(20);
      H5Cursor names(names_, "name in a local heap");
      names.skip(name_at);
      std::string name = names.c_string();
      if (cache == 2) refuse(name, "a soft link");
      add(std::move(name), object);
    }
  }

  void read_dense_links(H5Span message) {
    H5Cursor cursor(message, "link info");
    cursor.version(0, 0);
    if (cursor.u8() & 1) cursor.skip(8);  // largest creation index
    const std::uint64_t heap = cursor.u64();
    const std::uint64_t tree = cursor.u64();
    if (heap == kNoAddress) return;
    constexpr int kLinksByName = 5;
    read_dense(source_, heap, tree, kLinksByName, 4, [this](H5Span link) { read_link(link); });
  }

  void read_link(H5Span message) {
    H5Cursor cursor(message, "link");
    cursor.version(1, 1);
    const unsigned flags = cursor.u8();
    const int kind = flags & 0x08 ? cursor.u8() : 0;
    if (flags & 0x04) cursor.skip(8);  // creation order
    if (flags & 0x10) cursor.skip(1);  // character set
    const H5Span text = cursor.take(cursor.number(std::size_t{1} << (flags & 3)));
    std::string name(reinterpret_cast<const char*>(text.data()), text.size());
    if (kind != 0) refuse(name, kind == 1 ? "a soft link" : kind == 64 ? "an external link" : "a user-defined link");
    add(std::move(name), cursor.u64());
  }

  H5Source& source_;
  std::size_t limit_;
  std::vector<H5Link> links_;
  H5Buffer names_;
};

}  // namespace

bool is_group(const H5Object& object) {
  return object.find(H5MessageType::symbol_table) || object.find(H5MessageType::link_info);
}

std::vector<H5Link> read_links(H5Source& source, const H5Object& group, std::size_t limit) {
  return LinkReader(source, limit).read(group);
}

}  // namespace keratin::detail
