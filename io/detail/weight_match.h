// Variables of a model and the datasets of a file they are to be loaded from: compared first, assigned last.
#pragma once

#include <string>
#include <vector>

#include "keratin/core/model/variable.h"
#include "keratin/io/detail/hdf5_reader.h"

namespace keratin::detail {

// What the file and the model do not agree in.
class Differences {
 public:
  explicit Differences(std::string file) : file_(std::move(file)) {}
  void add(std::string text) { lines_.push_back(std::move(text)); }
  bool empty() const { return lines_.empty(); }
  // "<file>: does not fit the model '<model>': a; b; ...", at most a dozen of them.
  std::string text(const std::string& model) const;
  // Throws FileError unless there are none.
  void throw_if_any(const std::string& model) const;

 private:
  std::string file_;
  std::vector<std::string> lines_;
};

struct Assignment {
  Variable variable;
  std::string path;
};

// Compares variables and datasets one by one: their number, shapes and dtypes (integers of another width and float64
// are converted, because Keras's backends differ in them). `what` names them in differences: "layer 'dense'".
void match_variables(const std::vector<Variable>& variables, const std::vector<std::string>& paths, const H5Node& root,
                     const std::string& what, std::vector<Assignment>& assignments, Differences& differences);

// Everything is read before anything is changed: a damaged file leaves the model as it was.
void assign_all(const std::vector<Assignment>& assignments, H5Reader& reader);

// "a/b", or "b" when `path` is empty.
std::string joined(const std::string& path, const std::string& name);

}  // namespace keratin::detail
