// What the normalisations with a trained factor, gamma, and a trained summand, beta, share.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "keratin/core/model/config_reader.h"
#include "keratin/core/model/layer.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/layers/detail/layer_support.h"

namespace keratin::detail {

// `Options` have center, scale, epsilon and, for gamma and beta, an initialiser, a regulariser and a constraint.
template <class Options>
class ScaledNormalization : public LayerImpl {
 public:
  ScaledNormalization(const std::string& class_name, Options options)
      : LayerImpl(class_name, options.name, options.trainable), options_(std::move(options)) {
    require_epsilon(class_name, options_.epsilon);
  }

  bool supports_masking() const override { return true; }

 protected:
  const Options& options() const { return options_; }
  const Variable& gamma() const { return gamma_; }
  const Variable& beta() const { return beta_; }

  void add_gamma_and_beta(const Shape& shape) {
    const Options& o = options_;
    if (o.scale) {
      gamma_ = add_weight(
          "gamma", shape,
          {.initializer = o.gamma_initializer, .regularizer = o.gamma_regularizer, .constraint = o.gamma_constraint});
    }
    if (o.center) {
      beta_ = add_weight(
          "beta", shape,
          {.initializer = o.beta_initializer, .regularizer = o.beta_regularizer, .constraint = o.beta_constraint});
    }
  }

  // y·gamma + beta, whose elements belong to these axes.
  Value scaled(Value y, const std::vector<int>& axes) const {
    if (options_.scale) y = y * along_axes(gamma_, axes, y.rank());
    if (options_.center) y = y + along_axes(beta_, axes, y.rank());
    return y;
  }

  // The arguments in Keras's order: up to the initialisers, and those behind them.
  void add_first_arguments(Config& config) const {
    const Options& o = options_;
    config.set("epsilon", o.epsilon).set("center", o.center).set("scale", o.scale);
    config.set("beta_initializer", o.beta_initializer.config());
    config.set("gamma_initializer", o.gamma_initializer.config());
  }
  void add_last_arguments(Config& config) const {
    const Options& o = options_;
    config.set("beta_regularizer", o.beta_regularizer.config());
    config.set("gamma_regularizer", o.gamma_regularizer.config());
    config.set("beta_constraint", o.beta_constraint.config());
    config.set("gamma_constraint", o.gamma_constraint.config());
  }

 private:
  Options options_;
  Variable gamma_, beta_;
};

// What ScaledNormalization writes, and the name.
template <class Options>
Options read_scaled_options(ConfigReader& c) {
  Options o;
  o.epsilon = c.number("epsilon", 1e-3);
  o.center = c.boolean("center", true);
  o.scale = c.boolean("scale", true);
  o.beta_initializer = c.initializer("beta_initializer", "zeros");
  o.gamma_initializer = c.initializer("gamma_initializer", "ones");
  o.beta_regularizer = c.regularizer("beta_regularizer");
  o.gamma_regularizer = c.regularizer("gamma_regularizer");
  o.beta_constraint = c.constraint("beta_constraint");
  o.gamma_constraint = c.constraint("gamma_constraint");
  o.name = c.name();
  o.trainable = c.trainable();
  return o;
}

}  // namespace keratin::detail
