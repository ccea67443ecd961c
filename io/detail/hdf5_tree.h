// H5Node: the contents of an HDF5 file as a tree of groups, attributes and datasets; it knows nothing of files.
#pragma once

#include <list>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "keratin/core/tensor/tensor.h"

namespace keratin::detail {

// An attribute of a file whose type Keratin has no use for; whoever asks for it gets the reason as an error.
struct H5Unreadable {
  std::string reason;
};

using H5Value = std::variant<std::string, std::vector<std::string>, Tensor, H5Unreadable>;

struct H5Attribute {
  std::string name;
  H5Value value;
};

// A group, or a dataset without children. Paths are relative to the node: "layers/dense/vars/0"; a leading '/' is
// ignored. References to children stay valid when other children are added.
struct H5Node {
  std::string name;  // "" for the root
  bool is_dataset = false;
  bool is_text = false;  // a dataset of strings, which a reader lists but cannot load
  std::vector<H5Attribute> attributes;
  std::list<H5Node> children;
  // Of a dataset. `data` is undefined as long as a reader has only listed it.
  Shape shape;
  DType dtype = DType::float32;
  Tensor data;

  // The group at `path`; it and its parents are created when missing. Throws InvalidArgument when a dataset is there.
  H5Node& group(std::string_view path);
  // A new dataset; parents are created. Throws InvalidArgument when `path` exists or `values` is undefined.
  H5Node& dataset(std::string_view path, Tensor values);
  // The node at `path` or null; "" is this node.
  const H5Node* find(std::string_view path) const;

  void set_attribute(std::string_view attribute, H5Value value);
  // Stores `strings` as Keras does: HDF5 keeps an attribute inside its object's header, so a list of more than 64512
  // bytes becomes the attributes "<name>0", "<name>1", ... Throws InvalidArgument for one string above that.
  void set_strings(std::string_view attribute, const std::vector<std::string>& strings);

  // The attribute or null. Throws FileError when the file holds it in a type that cannot be read.
  const H5Value* attribute(std::string_view attribute) const;
  // A string attribute. Throws FileError when it is missing or of another type.
  const std::string& string(std::string_view attribute) const;
  // A list of strings, stored whole or split; the empty list may be of any type, as Keras writes it.
  // Throws FileError when it is missing or not a list of strings.
  std::vector<std::string> strings(std::string_view attribute) const;
};

}  // namespace keratin::detail
