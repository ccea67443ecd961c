// Trainer: what a model needs to run: its compiled losses and metrics, its plans and their memory, and the loops.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "keratin/core/runtime/device.h"
#include "keratin/core/runtime/plan_instance.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/training/detail/step_program.h"
#include "keratin/core/training/model.h"

namespace keratin {

// A prepared step with its place in memory, and what it was prepared for.
struct StepPlan {
  Phase phase = Phase::predict;
  std::int64_t batch = 0;
  std::vector<Spec> x, y;  // of one sample
  bool weighted = false, resident = false;
  std::vector<std::uint64_t> maps;
  std::string signature;  // of the model and the options: Trainer::signature()
  std::unique_ptr<PlanInstance> instance;
  std::vector<std::string> checked_layers;
};

// Resident data on the device for the duration of one call: the cursor and the addresses that the plans gather from.
class ResidentData {
 public:
  // The variables are the model's own, so that its plans serve any data.
  ResidentData(std::shared_ptr<Backend> backend, const Dataset& data, VariablePtr cursor,
               std::vector<VariablePtr> bases);
  // Begins a pass over all samples, in the order of `key` when shuffled.
  void begin(bool shuffle, std::uint64_t key);

 private:
  Dataset data_;  // keeps host memory alive
  std::vector<std::unique_ptr<DeviceBlock>> blocks_;
  VariablePtr cursor_;
  Tensor cursor_value_;
};

class Trainer {
 public:
  explicit Trainer(ModelImpl& model);

  void compile(Compiled compiled) {
    compiled_ = std::move(compiled);
    plans_.clear();
  }
  bool compiled() const { return compiled_.has_value(); }
  Compiled& required(const char* verb);
  std::optional<Compiled>& compiled_state() { return compiled_; }

  // Throws InvalidArgument, naming `verb`, when the data does not fit the model; builds a model that has no shapes yet.
  void prepare_model(const char* verb, const TensorList& x, bool mapped);
  // Labels of sparse losses and indices of embeddings must be in range, before any weight changes.
  void check_labels(const char* verb, const TensorList& y) const;
  void check_indices(const char* verb, const TensorList& x);
  // A batch of a generator: tensors with equal numbers of samples, at least one.
  void check_batch(const char* verb, const Batch& batch, bool needs_y) const;
  // Frozen layers or options may have changed between calls or epochs.
  void begin_call() { refresh_signature(); }

  // The caller keeps what it goes on using: a plan that is not in the list of recent ones any more lives as long as
  // that. The plan for a step on resident data (of the phase's own cursor) or on fed batches. Prepared, not yet
  // allocated.
  std::shared_ptr<StepPlan> plan(Phase phase, std::int64_t batch, const TensorList& x, const TensorList& y,
                                 bool weighted, bool resident, const std::vector<Dataset::Mapping>& maps = {});
  using StepPlans = std::vector<std::shared_ptr<StepPlan>>;
  // The plans of a call for an option's value, a number of samples.
  using PlansOf = std::function<StepPlans(std::int64_t rows)>;
  // Throws OutOfMemory, naming `verb` and the largest value of `option` that would fit, when the plans need more memory
  // than the device has beside what `others` still need. Allocates nothing.
  void require_room(const char* verb, const char* option, std::int64_t rows, const PlansOf& plans_of,
                    const StepPlans& others = {});
  // Gives the plans of `batch` samples their memory, which are required to have room for it.
  void allocate(const char* verb, std::int64_t batch, const PlansOf& plans_of);
  // Whether the device has room for the data beside the bytes that others still need; says so when it has not, once for
  // each verb.
  bool fits(const char* verb, const Dataset& data, std::int64_t others);
  // Throws OutOfMemory when the data does not fit.
  ResidentData resident(Phase phase, const Dataset& data);
  // Runs a fed step on one batch.
  std::shared_ptr<StepPlan> run_batch(Phase phase, const Batch& batch, const std::vector<Dataset::Mapping>& maps = {});
  // Runs a resident step. Throws when numeric checks find something.
  void run(StepPlan& plan);

  // The number of the step that random ops count by.
  const VariablePtr& random_step() const { return random_step_; }
  void reset_metrics();
  Logs metrics() const;
  std::vector<std::string> metric_names() const;

  const std::shared_ptr<Backend>& backend();
  std::int64_t state_bytes(const PlanInstance& instance, bool of_model) const;
  MemoryReport memory(std::int64_t batch);

  // Held while a call uses the model; throws InvalidArgument when another thread does already. Callbacks of fit may
  // evaluate and predict, but not fit.
  class Busy {
   public:
    explicit Busy(Trainer& trainer, bool trains = false);
    ~Busy();
    Busy(const Busy&) = delete;
    Busy& operator=(const Busy&) = delete;

   private:
    Trainer& trainer_;
  };

 private:
  struct PhaseSource {
    VariablePtr cursor;
    std::vector<VariablePtr> bases;
  };
  PhaseSource& source(Phase phase, std::size_t arrays);
  // What else a plan depends on: options, frozen layers. Computed when a call begins.
  void refresh_signature();

  ModelImpl& model_;
  std::optional<Compiled> compiled_;
  VariablePtr random_step_;
  PhaseSource sources_[3];
  std::shared_ptr<Backend> backend_;
  std::shared_ptr<Arena> arena_;
  std::list<std::shared_ptr<StepPlan>> plans_;  // most recently used first
  std::string signature_;
  std::set<std::string> streaming_said_;                      // the verbs of which it was said that data does not fit
  std::vector<std::pair<Layer, std::int64_t>> index_layers_;  // for each input, the layer that takes it as indices
  std::mutex busy_mutex_;
  std::thread::id busy_thread_;
  int busy_depth_ = 0;
};

// Calls that a Model forwards to; in fit.cpp, evaluate.cpp.
History fit_model(Model& model, Dataset data, const FitOptions& options);
Logs evaluate_model(Model& model, const Dataset& data, const EvaluateOptions& options, bool print);
std::vector<Tensor> predict_model(Model& model, const Dataset& data, const PredictOptions& options);

}  // namespace keratin
