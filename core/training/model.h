// Model: a graph of layers that can be trained, evaluated, used and saved (keras.Model). A model is itself a layer.
#pragma once

#include <concepts>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "keratin/core/model/layer.h"
#include "keratin/core/training/benchmark.h"
#include "keratin/core/training/callback.h"
#include "keratin/core/training/class_weights.h"
#include "keratin/core/training/data.h"
#include "keratin/core/training/logs.h"
#include "keratin/core/training/losses.h"
#include "keratin/core/training/memory.h"
#include "keratin/core/training/metrics.h"
#include "keratin/core/training/optimizers.h"

namespace keratin {

class ModelImpl;

struct ModelOptions {
  std::string name = {};
  bool trainable = true;
};

// Samples set aside for validation: {x, y} or {x, y, sample_weight}.
struct ValidationData {
  TensorList x = {}, y = {};
  Tensor sample_weight = {};
  bool empty() const { return x.empty() && y.empty(); }
};

struct FitOptions {
  std::int64_t batch_size = 32;
  int epochs = 1;
  int verbose = 1;  // 0: silent, 1: progress bar, 2: a line for each epoch
  std::vector<Callback> callbacks = {};
  double validation_split = 0.0;  // the last part of the data, before shuffling, is held out
  ValidationData validation_data = {};
  bool shuffle = true;
  ClassWeights class_weight = {};
  Tensor sample_weight = {};
  int initial_epoch = 0;
  std::optional<std::int64_t> steps_per_epoch = {}, validation_steps = {}, validation_batch_size = {};
  int validation_freq = 1;
};
struct EvaluateOptions {
  std::int64_t batch_size = 32;
  int verbose = 1;
  Tensor sample_weight = {};
  std::optional<std::int64_t> steps = {};
};
struct PredictOptions {
  std::int64_t batch_size = 32;
  int verbose = 0;
  std::optional<std::int64_t> steps = {};
};
struct BatchOptions {
  Tensor sample_weight = {};
  ClassWeights class_weight = {};
};
struct SummaryOptions {
  int line_length = 65;
  bool expand_nested = false, show_trainable = false;
  std::int64_t batch_size = 32;  // for the memory table
};

struct LoadWeightsOptions {
  bool by_name = false;  // ".h5" only: layers of equal names, instead of the same place; the others stay as they are
};
struct LoadModelOptions {
  bool compile = true;  // as it was when it was saved, with the optimizer's state
};

// A metric list for each output; a model with one output takes {"accuracy", "mae"}.
struct CompileArguments {
  std::vector<double> loss_weights = {};
  std::vector<Metric> metrics = {};                      // of every output
  std::vector<std::vector<Metric>> output_metrics = {};  // one list for each output, instead of `metrics`
  std::vector<Metric> weighted_metrics = {};
};

class Model : public Layer {
 public:
  Model() = default;
  // The layers between inputs and outputs. Throws InvalidArgument when an output depends on an Input that is not given.
  Model(const Value& inputs, const Value& outputs, ModelOptions options = {});
  Model(const Values& inputs, const Values& outputs, ModelOptions options = {});
  explicit Model(std::shared_ptr<ModelImpl> impl);

  // Throws InvalidArgument for unknown names (with a suggestion) and when counts do not fit the outputs.
  void compile(Optimizer optimizer = "rmsprop", std::vector<Loss> losses = {}, std::vector<Metric> metrics = {});
  void compile(Optimizer optimizer, Loss loss, std::vector<Metric> metrics = {});
  void compile(Optimizer optimizer, std::vector<Loss> losses, CompileArguments arguments);

  History fit(const TensorList& x, const TensorList& y, const FitOptions& options = {});
  History fit(const Dataset& data, const FitOptions& options = {});
  // {"loss": ..., "accuracy": ...}
  Logs evaluate(const TensorList& x, const TensorList& y, const EvaluateOptions& options = {});
  Logs evaluate(const Dataset& data, const EvaluateOptions& options = {});
  // The first output for all samples; predict_all gives every output.
  Tensor predict(const TensorList& x, const PredictOptions& options = {});
  std::vector<Tensor> predict_all(const TensorList& x, const PredictOptions& options = {});
  // A template, so that braces always mean a list of tensors.
  template <std::same_as<Dataset> D>
  std::vector<Tensor> predict_all(const D& data, const PredictOptions& options = {}) {
    return predict_dataset(data, options);
  }

  Logs train_on_batch(const TensorList& x, const TensorList& y, const BatchOptions& options = {});
  Logs test_on_batch(const TensorList& x, const TensorList& y, const BatchOptions& options = {});
  Tensor predict_on_batch(const TensorList& x);

  // Prints Keras's table and the memory of training; `summary_text` returns it.
  void summary(const SummaryOptions& options = {}) const;
  std::string summary_text(const SummaryOptions& options = {}) const;
  // Bytes on the current device for training with this batch size (or predicting, when not compiled): exact for the
  // plan.
  MemoryReport memory(std::int64_t batch_size = 32) const;

  // Trains and predicts for a moment on each device and says which is faster for this model and batch size. The weights
  // and the optimizer's state are afterwards what they were. A device that cannot be used is listed with the reason.
  DeviceBenchmark benchmark_devices(const TensorList& x, const TensorList& y, const BenchmarkOptions& options = {});

  // The layers in Keras's order. Copies of the handles: the model's own layers.
  std::vector<Layer> layers() const;
  // Throws InvalidArgument for an unknown name, with a suggestion.
  Layer get_layer(const std::string& name) const;
  const Values& inputs() const;
  const Values& outputs() const;
  bool compiled() const;
  // Throws InvalidArgument when the model is not compiled.
  Optimizer optimizer() const;

  // Saves architecture, weights and, when compiled, what training goes on from: ".keras", which Keras opens, or ".h5",
  // Keras 2's format. Atomic. Throws InvalidArgument naming everything that a file cannot hold. Defined in io.
  void save(const std::string& path) const;
  // Saves to `path`: ".weights.h5" (weights and optimizer state, Keras's layout) or ".h5" (weights, Keras 2's layout).
  // Atomic. Defined in io.
  void save_weights(const std::string& path) const;
  // From ".weights.h5", ".keras" or ".h5". Checks everything before it changes anything; throws FileError saying what
  // differs. Defined in io.
  void load_weights(const std::string& path, const LoadWeightsOptions& options = {});

  ModelImpl& model_impl() const;

 private:
  std::vector<Tensor> predict_dataset(const Dataset& data, const PredictOptions& options);
};

// The model of a file that save() or Keras has written (".keras"; ".h5" of Keras 2 and 3), compiled if it was.
// Throws FileError, naming everything in the file that is not supported. Files may come from anybody: they hold no
// code, and are checked before they are used. Defined in io.
Model load_model(const std::string& path, const LoadModelOptions& options = {});

// From then on every training step of every model checks what its layers produce, and throws InvalidArgument naming the
// first layer whose output has a NaN or infinity. Slower; for finding out where a NaN loss comes from.
void set_check_numerics(bool check);
bool check_numerics();

}  // namespace keratin
