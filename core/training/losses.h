// Losses (keras.losses): compositions of ops that compare targets with predictions.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "keratin/core/graph/value.h"
#include "keratin/core/model/config.h"

namespace keratin {

// By name ("mse", "sparse_categorical_crossentropy", ...), from losses::, or a function of ops.
class Loss {
 public:
  // Not inline: copied wherever users write a model.
  Loss(const Loss&);
  Loss(Loss&&) noexcept;
  Loss& operator=(const Loss&);
  Loss& operator=(Loss&&) noexcept;
  ~Loss();

  // (y_true, y_pred) -> the losses of the elements that are averaged: usually one for each sample.
  using Function = std::function<Value(const Value& y_true, const Value& y_pred)>;

  // Throws InvalidArgument for an unknown name, with a suggestion.
  Loss(const char* name);         // NOLINT(google-explicit-constructor): compile("adam", "mse")
  Loss(const std::string& name);  // NOLINT(google-explicit-constructor)
  Loss(Function function, std::string name, Config config = {});

  // Keras's reduction "sum_over_batch_size": sum(values * sample_weight) / number of values. `sample_weight` may be
  // empty; it has the batch as first axis and broadcasts over the rest.
  Value operator()(const Value& y_true, const Value& y_pred, const Value& sample_weight = {}) const;
  Value values(const Value& y_true, const Value& y_pred) const;
  const std::string& name() const { return name_; }
  const Config& config() const { return config_; }
  // Whether targets are class numbers (for checks of labels and for "accuracy"); set for the crossentropies.
  bool sparse_labels() const { return name_ == "sparse_categorical_crossentropy"; }

 private:
  Function function_;
  std::string name_;
  Config config_;
};

namespace losses {

struct CrossentropyOptions {
  bool from_logits = false;
  double label_smoothing = 0.0;
};
struct SparseCrossentropyOptions {
  bool from_logits = false;
};

Loss MeanSquaredError();
Loss MeanAbsoluteError();
Loss Huber(double delta = 1.0);
Loss BinaryCrossentropy(CrossentropyOptions options = {});
Loss CategoricalCrossentropy(CrossentropyOptions options = {});
// Labels are class numbers of any integer dtype (or whole floats), with or without a last axis of size 1. They are
// checked on the host before any weight changes.
Loss SparseCategoricalCrossentropy(SparseCrossentropyOptions options = {});

}  // namespace losses

}  // namespace keratin
