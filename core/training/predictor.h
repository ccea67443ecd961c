// Predictor: a model's prediction for batches of one size, prepared once: cheap to call, from any number of threads.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "keratin/core/training/model.h"

namespace keratin {

struct PredictorOptions {
  std::int64_t batch_size = 1;           // samples of every call
  std::vector<DType> input_dtypes = {};  // of what is passed, one for each input; empty: the model's own
  // Whether kernels may keep weights a second time, in the order in which they read them: faster, but on the CPU the
  // kernels of Dense layers take twice their memory, for each thread that calls at the same time.
  bool keep_packed_weights = true;
};

// Calls read the model's current weights and change nothing. While a model trains, or its weights are set, its
// predictors must not be called. On the CPU calls run at the same time, each in its own scratch memory; on other
// devices they take turns. The first call of a thread beside others prepares its memory; after that a call allocates
// nothing. Indices of an Embedding are not checked: one out of range gives zeros.
class Predictor {
 public:
  // For the current device. Throws InvalidArgument when the model has no inputs yet or an input has an unknown size
  // other than the batch, OutOfMemory when it does not fit.
  explicit Predictor(const Model& model, const PredictorOptions& options = {});

  // x: the input, float32, batch_size samples; y: the output. For models of one float32 input and output. Throws
  // InvalidArgument when the sizes are not those.
  void operator()(std::span<const float> x, std::span<float> y) const;
  // Writes the outputs into `y`, whose tensors must have the outputs' shapes and dtypes. `x`: one for each input.
  void operator()(std::span<const Tensor> x, std::span<Tensor> y) const;
  // The first output. Allocates it.
  Tensor operator()(const Tensor& x) const;

  // With the batch axis.
  const std::vector<Shape>& input_shapes() const;
  const std::vector<Shape>& output_shapes() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;  // copies share the memory
};

}  // namespace keratin
