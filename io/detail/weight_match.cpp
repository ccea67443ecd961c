#include "keratin/io/detail/weight_match.h"

#include "keratin/core/tensor/errors.h"

namespace keratin::detail {
namespace {

std::string text_of(const Shape& shape, DType dtype) { return std::string(name_of(dtype)) + " " + shape.to_string(); }

bool convertible(DType from, DType to) { return from == to || is_floating(from) == is_floating(to); }

}  // namespace

std::string Differences::text(const std::string& model) const {
  constexpr std::size_t kShown = 12;
  std::string message = file_ + ": does not fit the model '" + model + "'";
  for (std::size_t i = 0; i < lines_.size() && i < kShown; ++i) message += (i == 0 ? ": " : "; ") + lines_[i];
  if (lines_.size() > kShown) message += "; and " + std::to_string(lines_.size() - kShown) + " more differences";
  return message;
}

void Differences::throw_if_any(const std::string& model) const {
  if (!lines_.empty()) throw FileError(text(model));
}

void match_variables(const std::vector<Variable>& variables, const std::vector<std::string>& paths, const H5Node& root,
                     const std::string& what, std::vector<Assignment>& assignments, Differences& differences) {
  if (paths.size() != variables.size()) {
    differences.add(what + " has " + std::to_string(paths.size()) + " variables in the file, " +
                    std::to_string(variables.size()) + " in the model");
    return;
  }
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const H5Node* dataset = root.find(paths[i]);
    const Variable& variable = variables[i];
    if (!dataset || !dataset->is_dataset) {
      differences.add("'" + paths[i] + "' is missing in the file");
    } else if (dataset->is_text || dataset->shape != variable.shape() ||
               !convertible(dataset->dtype, variable.dtype())) {
      differences.add("'" + paths[i] + "' is " + (dataset->is_text ? "text" : text_of(dataset->shape, dataset->dtype)) +
                      " in the file, " + variable.path() + " is " + text_of(variable.shape(), variable.dtype()));
    } else {
      assignments.push_back({variable, paths[i]});
    }
  }
}

void assign_all(const std::vector<Assignment>& assignments, H5Reader& reader) {
  std::vector<Tensor> values;
  for (const Assignment& assignment : assignments) {
    values.push_back(reader.load(assignment.path).astype(assignment.variable.dtype()));
  }
  for (std::size_t i = 0; i < assignments.size(); ++i) {
    Variable variable = assignments[i].variable;
    variable.assign(values[i]);
  }
}

std::string joined(const std::string& path, const std::string& name) { return path.empty() ? name : path + "/" + name; }

}  // namespace keratin::detail
