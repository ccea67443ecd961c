// ConfigReader: takes the arguments of an object out of its configuration, and notes everything that cannot be used.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "keratin/core/model/activation.h"
#include "keratin/core/model/config.h"
#include "keratin/core/model/constraints.h"
#include "keratin/core/model/initializers.h"
#include "keratin/core/model/regularizers.h"
#include "keratin/core/tensor/dtype.h"

namespace keratin {

// What of a configuration cannot be used: one line for each class, argument or value, so that a user sees all at once.
class ConfigProblems {
 public:
  void add(const std::string& where, const std::string& what);
  bool empty() const { return count_ == 0; }
  std::size_t size() const { return count_; }
  const std::vector<std::string>& lines() const { return lines_; }
  // "a; b; c", at most 500 of them.
  std::string text() const;

 private:
  std::vector<std::string> lines_;  // of the first ones
  std::size_t count_ = 0;
};

// The getters below take an argument by its key. `missing` stands for a key that is not there; without it the argument
// is required. What cannot be used becomes a problem, and the getter gives `missing` or some value of the type: whoever
// made the reader looks at the problems before the object is used.
class ConfigReader {
 public:
  // `where` names the object in problems: "conv2d_1 (Conv2D)". `config` must outlive the reader.
  ConfigReader(const Config& config, std::string where, ConfigProblems& problems);

  bool boolean(std::string_view key, std::optional<bool> missing = {});
  // Of at most 32 bits, as the numbers in lists and shapes: whatever is computed from them does not overflow.
  std::int64_t integer(std::string_view key, std::optional<std::int64_t> missing = {});
  int small_integer(std::string_view key, std::optional<int> missing = {});
  double number(std::string_view key, std::optional<double> missing = {});
  std::optional<double> optional_number(std::string_view key);
  std::string text(std::string_view key, std::optional<std::string> missing = {});
  // One number or a list of them.
  std::vector<std::int64_t> integers(std::string_view key, std::optional<std::vector<std::int64_t>> missing = {});
  std::vector<double> numbers(std::string_view key);
  // A shape with the batch axis; unknown sizes are null in configurations.
  Shape shape(std::string_view key);
  std::optional<std::uint64_t> seed(std::string_view key = "seed");
  // A dtype by name, or a policy of one dtype.
  DType dtype(std::string_view key, DType missing = DType::float32);

  // What every layer has. `trainable` also sees to the dtype, which must be float32: layers compute in no other.
  std::string name() { return text("name", ""); }
  bool trainable();

  ActivationFunction activation(std::string_view key);
  Initializer initializer(std::string_view key, const char* missing);
  Regularizer regularizer(std::string_view key);
  Constraint constraint(std::string_view key);

  // The value itself; null when the key is not there.
  const ConfigValue* take(std::string_view key);
  // For arguments that Keratin has no counterpart of: it must be one of these values, or missing.
  void expect(std::string_view key, const std::vector<ConfigValue>& allowed);
  // For arguments without effect here.
  void ignore(std::string_view key) { take(key); }
  // Notes `what` about the argument.
  void problem(std::string_view key, const std::string& what);

  // Notes the arguments that nobody has taken, but for those that are null: an argument that is not in use.
  void finish();

  const Config& config() const { return config_; }
  const std::string& where() const { return where_; }
  ConfigProblems& problems() { return problems_; }

 private:
  const ConfigValue* present(std::string_view key, bool required);
  void wrong_type(std::string_view key, const ConfigValue& value, const char* expected);

  const Config& config_;
  std::string where_;
  ConfigProblems& problems_;
  std::vector<bool> taken_;
};

}  // namespace keratin
