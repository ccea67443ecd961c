#include "keratin/io/detail/hdf5_attributes.h"

#include <algorithm>

#include "keratin/core/tensor/errors.h"
#include "keratin/io/detail/hdf5_convert.h"
#include "keratin/io/detail/hdf5_dense.h"
#include "keratin/io/detail/hdf5_message.h"

namespace keratin::detail {
namespace {

std::size_t padded(std::size_t length) { return (length + 7) / 8 * 8; }

class AttributeReader {
 public:
  AttributeReader(H5Source& source, H5Strings& strings) : source_(source), strings_(strings) {}

  std::vector<H5Attribute> read(const H5Object& object) {
    for (const H5Message& message : object.messages) {
      if (message.type == H5MessageType::attribute) read_attribute(message.body);
    }
    if (const H5Message* info = object.find(H5MessageType::attribute_info)) read_dense_attributes(info->body);
    const auto by_name = [](const H5Attribute& a, const H5Attribute& b) { return a.name < b.name; };
    std::sort(attributes_.begin(), attributes_.end(), by_name);
    return std::move(attributes_);
  }

 private:
  void read_dense_attributes(H5Span message) {
    H5Cursor cursor(message, "attribute info");
    cursor.version(0, 0);
    if (cursor.u8() & 1) cursor.skip(2);  // largest creation index
    const std::uint64_t heap = cursor.u64();
    const std::uint64_t tree = cursor.u64();
    if (heap == kNoAddress) return;
    constexpr int kAttributesByName = 8;
    read_dense(source_, heap, tree, kAttributesByName, 0, [this](H5Span attribute) { read_attribute(attribute); });
  }

  void read_attribute(H5Span message) {
    H5Cursor cursor(message, "attribute");
    const int version = cursor.version(1, 3);
    const unsigned flags = cursor.u8();
    const std::size_t name_length = cursor.u16(), type_length = cursor.u16(), space_length = cursor.u16();
    if (version == 3) cursor.skip(1);  // character set of the name
    const auto part = [&](std::size_t length) {
      return cursor.take(version == 1 ? padded(length) : length).first(length);
    };
    const H5Span name_bytes = part(name_length), type_bytes = part(type_length), space_bytes = part(space_length);
    const std::string name = H5Cursor(name_bytes, "name of an attribute").c_string();
    if (version > 1 && flags != 0) {
      attributes_.push_back({name, H5Unreadable{"expected a plain type, found a committed (named) datatype"}});
      return;
    }
    try {
      attributes_.push_back({name, value(type_bytes, space_bytes, cursor.take(cursor.left()))});
    } catch (const FileError& error) {
      error.rethrow_in("attribute '" + printable(name) + "'");
    }
  }

  H5Value value(H5Span type_bytes, H5Span space_bytes, H5Span data) {
    H5Type type;
    try {
      type = parse_type(type_bytes);
    } catch (const FileError& error) {
      return H5Unreadable{error.what()};
    }
    const H5Space space = parse_space(space_bytes);
    if (space.is_null) return H5Unreadable{"expected a value, found an empty one (a null dataspace)"};
    if (space.count > data.size() / type.size) {
      throw FileError("expected " + std::to_string(space.count) + " elements of " + std::to_string(type.size) +
                      " bytes, found " + std::to_string(data.size()) + " bytes");
    }
    if (!type.is_string()) return convert(type, space.shape, data);
    std::vector<std::string> strings;
    for (std::uint64_t i = 0; i < space.count; ++i) {
      const H5Span one = data.subspan(static_cast<std::size_t>(i) * type.size, type.size);
      strings.push_back(type.kind == H5Type::Kind::fixed_string ? fixed_string(type, one) : strings_.text(one));
    }
    if (space.shape.rank() == 0) return std::move(strings.front());
    return strings;
  }

  H5Source& source_;
  H5Strings& strings_;
  std::vector<H5Attribute> attributes_;
};

}  // namespace

std::vector<H5Attribute> read_attributes(H5Source& source, H5Strings& strings, const H5Object& object) {
  return AttributeReader(source, strings).read(object);
}

}  // namespace keratin::detail
