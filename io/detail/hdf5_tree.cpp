#include "keratin/io/detail/hdf5_tree.h"

#include <algorithm>

#include "keratin/core/tensor/errors.h"

namespace keratin::detail {
namespace {

// Keras's HDF5_OBJECT_HEADER_LIMIT: the 64 KiB of an object header less room for everything else in it.
constexpr std::size_t kAttributeLimit = 64512;
// What one string of variable length takes inside the attribute.
constexpr std::size_t kStringReference = 16;

// Takes the first name off `path`; empty at the end.
std::string_view next_name(std::string_view& path) {
  while (!path.empty() && path.front() == '/') path.remove_prefix(1);
  const std::string_view name = path.substr(0, path.find('/'));
  path.remove_prefix(name.size());
  return name;
}

H5Node* child_of(H5Node& node, std::string_view name) {
  const auto found =
      std::find_if(node.children.begin(), node.children.end(), [&](const H5Node& child) { return child.name == name; });
  return found == node.children.end() ? nullptr : &*found;
}

H5Node& add_child(H5Node& node, std::string_view name) {
  if (name == "." || name.find('\0') != std::string_view::npos) {
    throw InvalidArgument("HDF5: '" + std::string(name) + "' cannot be the name of a group or dataset");
  }
  H5Node& child = node.children.emplace_back();
  child.name = name;
  return child;
}

bool is_empty(const H5Value& value) {
  const Tensor* numbers = std::get_if<Tensor>(&value);
  return numbers && numbers->size() == 0;
}

}  // namespace

H5Node& H5Node::group(std::string_view path) {
  H5Node* node = this;
  std::string_view rest = path;
  for (std::string_view step = next_name(rest); !step.empty(); step = next_name(rest)) {
    H5Node* child = child_of(*node, step);
    node = child ? child : &add_child(*node, step);
    if (node->is_dataset) {
      throw InvalidArgument("HDF5: '" + std::string(path) + "' needs a group where the dataset '" + node->name +
                            "' already is; choose another name");
    }
  }
  return *node;
}

H5Node& H5Node::dataset(std::string_view path, Tensor values) {
  const std::size_t slash = path.rfind('/');
  const std::string_view last = slash == std::string_view::npos ? path : path.substr(slash + 1);
  H5Node& parent = slash == std::string_view::npos ? *this : group(path.substr(0, slash));
  if (!values.defined()) throw InvalidArgument("HDF5: the tensor for '" + std::string(path) + "' is undefined");
  if (last.empty()) throw InvalidArgument("HDF5: '" + std::string(path) + "' does not name a dataset");
  if (parent.is_dataset || child_of(parent, last)) {
    throw InvalidArgument("HDF5: '" + std::string(path) + "' is already there; choose another name");
  }
  H5Node& node = add_child(parent, last);
  node.is_dataset = true;
  node.shape = values.shape();
  node.dtype = values.dtype();
  node.data = std::move(values);
  return node;
}

const H5Node* H5Node::find(std::string_view path) const {
  const H5Node* node = this;
  for (std::string_view step = next_name(path); node && !step.empty(); step = next_name(path)) {
    node = child_of(const_cast<H5Node&>(*node), step);
  }
  return node;
}

void H5Node::set_attribute(std::string_view attribute, H5Value value) {
  for (H5Attribute& existing : attributes) {
    if (existing.name == attribute) {
      existing.value = std::move(value);
      return;
    }
  }
  attributes.push_back({std::string(attribute), std::move(value)});
}

void H5Node::set_strings(std::string_view attribute, const std::vector<std::string>& strings) {
  std::size_t widest = kStringReference;
  for (const std::string& text : strings) {
    if (text.size() > kAttributeLimit) {
      throw InvalidArgument("HDF5: attribute '" + std::string(attribute) + "': a string of " +
                            std::to_string(text.size()) + " bytes is too long, the limit is " +
                            std::to_string(kAttributeLimit));
    }
    widest = std::max(widest, text.size());
  }
  // Keras counts every string as long as the longest, because NumPy pads them, and makes the parts equally long.
  const std::size_t most = kAttributeLimit / widest;
  if (strings.size() <= most) {
    set_attribute(attribute, strings);
    return;
  }
  const std::size_t parts = (strings.size() + most - 1) / most;
  auto next = strings.begin();
  for (std::size_t i = 0; i < parts; ++i) {
    const std::size_t count = strings.size() / parts + (i < strings.size() % parts ? 1 : 0);
    const auto end = next + static_cast<std::ptrdiff_t>(count);
    set_attribute(std::string(attribute) + std::to_string(i), std::vector<std::string>(next, end));
    next = end;
  }
}

const H5Value* H5Node::attribute(std::string_view attribute) const {
  for (const H5Attribute& candidate : attributes) {
    if (candidate.name != attribute) continue;
    if (const auto* unreadable = std::get_if<H5Unreadable>(&candidate.value)) {
      throw FileError("attribute '" + candidate.name + "': " + unreadable->reason);
    }
    return &candidate.value;
  }
  return nullptr;
}

const std::string& H5Node::string(std::string_view attribute) const {
  const H5Value* value = this->attribute(attribute);
  const auto* text = value ? std::get_if<std::string>(value) : nullptr;
  if (!text) {
    throw FileError("group '" + name + "': expected a string attribute '" + std::string(attribute) + "', found " +
                    (value ? "another type" : "none"));
  }
  return *text;
}

std::vector<std::string> H5Node::strings(std::string_view attribute) const {
  const std::string wanted(attribute);
  const auto list = [&](const H5Value& value, const std::string& part) -> std::vector<std::string> {
    if (const auto* strings = std::get_if<std::vector<std::string>>(&value)) return *strings;
    if (is_empty(value)) return {};
    throw FileError("group '" + name + "': expected a list of strings in attribute '" + part + "', found another type");
  };
  if (const H5Value* whole = this->attribute(wanted)) return list(*whole, wanted);
  std::vector<std::string> result;
  for (std::size_t i = 0;; ++i) {
    const std::string part = wanted + std::to_string(i);
    const H5Value* value = this->attribute(part);
    if (!value && i == 0) {
      throw FileError("group '" + name + "': expected a list of strings in attribute '" + wanted + "', found none");
    }
    if (!value) return result;
    for (std::string& text : list(*value, part)) result.push_back(std::move(text));
  }
}

}  // namespace keratin::detail
