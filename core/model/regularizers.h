// Regularisers (keras.regularizers): penalties on weights, added to the loss.
#pragma once

#include <functional>
#include <string>

#include "keratin/core/graph/value.h"
#include "keratin/core/model/config.h"

namespace keratin {

// None by default; by name ("l1", "l2", "l1_l2", "orthogonal_regularizer", with Keras's factors), from regularizers::,
// or a function of a Value.
class Regularizer {
 public:
  using Penalty = std::function<Value(const Value& weight)>;

  Regularizer();
  // Not inline: copied wherever users write a model.
  Regularizer(const Regularizer&);
  Regularizer(Regularizer&&) noexcept;
  Regularizer& operator=(const Regularizer&);
  Regularizer& operator=(Regularizer&&) noexcept;
  ~Regularizer();
  // Throws InvalidArgument for an unknown name, with a suggestion.
  Regularizer(const char* name);  // NOLINT(google-explicit-constructor): `.kernel_regularizer = "l2"`
  Regularizer(Penalty penalty, Config config) : penalty_(std::move(penalty)), config_(std::move(config)) {}

  explicit operator bool() const { return static_cast<bool>(penalty_); }
  // The scalar to add to the loss.
  Value operator()(const Value& weight) const { return penalty_(weight); }
  ConfigValue config() const { return penalty_ ? ConfigValue(config_) : ConfigValue(); }

 private:
  Penalty penalty_;
  Config config_;
};

namespace regularizers {
Regularizer L1(double l1 = 0.01);  // l1 * sum(|w|)
Regularizer L2(double l2 = 0.01);  // l2 * sum(w^2)
Regularizer L1L2(double l1 = 0.0, double l2 = 0.0);
// factor times the mean of |a . b| over all pairs of different rows a and b ("rows") or columns ("columns") of a
// matrix, each divided by its Euclidean norm: 0 when they are orthogonal. Throws InvalidArgument for a negative factor,
// another mode, and weights that are no matrix.
Regularizer OrthogonalRegularizer(double factor = 0.01, const std::string& mode = "rows");
}  // namespace regularizers

}  // namespace keratin
