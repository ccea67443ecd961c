// The loop of fit.
#include <algorithm>
#include <cmath>

#include "keratin/core/model/naming.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/tensor/log.h"
#include "keratin/core/training/detail/model_impl.h"
#include "keratin/core/training/detail/prefetch.h"
#include "keratin/core/training/detail/progress.h"
#include "keratin/core/training/detail/stream.h"
#include "keratin/core/training/detail/trainer.h"

namespace keratin {
namespace {

void check_options(const Dataset& data, const FitOptions& o) {
  auto fail = [](const std::string& message) { throw InvalidArgument("fit: " + message); };
  if (o.batch_size <= 0) fail("batch_size must be positive, got " + std::to_string(o.batch_size));
  if (o.epochs < 0) fail("epochs must not be negative, got " + std::to_string(o.epochs));
  if (o.initial_epoch < 0) fail("initial_epoch must not be negative, got " + std::to_string(o.initial_epoch));
  if (o.validation_freq <= 0) fail("validation_freq must be positive, got " + std::to_string(o.validation_freq));
  if (!(o.validation_split >= 0 && o.validation_split < 1)) {
    fail("validation_split must be in [0, 1), got " + format_number(o.validation_split));
  }
  if (o.steps_per_epoch && *o.steps_per_epoch <= 0) fail("steps_per_epoch must be positive");
  if (!data.resident()) {
    if (o.validation_split > 0) fail("validation_split needs data as tensors; give validation_data for a generator");
    if (!o.class_weight.empty() || o.sample_weight.defined()) {
      fail("a generator gives its weights in Batch::sample_weight");
    }
  }
}

// One call of fit.
class Fit {
 public:
  Fit(Model& model, Dataset data, const FitOptions& options)
      : model_(model),
        trainer_(model.model_impl().trainer()),
        data_(std::move(data)),
        options_(options),
        training_{.model = model,
                  .epochs = options.epochs,
                  .initial_epoch = options.initial_epoch,
                  .verbose = options.verbose} {}

  History run() {
    trainer_.required("fit");
    check_options(data_, options_);
    if (data_.resident()) prepare_resident();
    for (const Callback& callback : options_.callbacks) callback->on_train_begin(training_);
    Logs logs;
    for (int epoch = training_.initial_epoch; epoch < options_.epochs && !training_.stop; ++epoch) {
      logs = run_epoch(epoch);
      record(epoch, logs);
    }
    if (!history_.epoch.empty()) model_.optimizer()->finalize_variable_values();
    for (const Callback& callback : options_.callbacks) callback->on_train_end(training_, logs);
    return history_;
  }

 private:
  void prepare_resident() {
    apply_weights();
    split();
    trainer_.prepare_model("fit", data_.x(), !data_.maps().empty());
    if (data_.maps().empty()) {
      trainer_.check_labels("fit", data_.y());
      trainer_.check_indices("fit", data_.x());
      if (validation_ && validation_->resident()) {
        trainer_.check_labels("fit, validation_data", validation_->y());
        trainer_.check_indices("fit, validation_data", validation_->x());
      }
    }
    batch_ = std::min(options_.batch_size, data_.size());
    full_steps_ = data_.size() / batch_;
    rest_ = data_.size() % batch_;
    training_.steps = full_steps_ + (rest_ > 0 ? 1 : 0);
    if (options_.steps_per_epoch) {
      training_.steps = std::min(training_.steps, *options_.steps_per_epoch);
      full_steps_ = std::min(full_steps_, training_.steps);
    }
    allocate();
  }

  void apply_weights() {
    Tensor weight = options_.sample_weight.defined() ? options_.sample_weight : data_.sample_weight();
    if (!options_.class_weight.empty()) {
      if (data_.y().size() != 1) throw InvalidArgument("fit: class_weight needs a model with one output");
      weight = class_weights(data_.y()[0], options_.class_weight.map(), weight);
    }
    if (!weight.defined()) return;
    Dataset weighted(data_.x(), data_.y(), weight);
    for (const Dataset::Mapping& map : data_.maps()) weighted = weighted.map(map.function);
    data_ = weighted;
  }

  // The last part is held out, before any shuffling.
  void split() {
    if (!options_.validation_data.empty()) {
      const ValidationData& v = options_.validation_data;
      validation_ = Dataset(v.x, v.y, v.sample_weight);
      for (const Dataset::Mapping& map : data_.maps()) validation_ = validation_->map(map.function);
      return;
    }
    if (options_.validation_split <= 0) return;
    const std::int64_t rows = data_.size();
    const auto kept =
        static_cast<std::int64_t>(std::floor(static_cast<double>(rows) * (1 - options_.validation_split)));
    if (kept == 0 || kept == rows) {
      throw InvalidArgument("fit: validation_split " + format_number(options_.validation_split) + " of " +
                            std::to_string(rows) + " samples leaves nothing to " + (kept == 0 ? "train" : "validate") +
                            " on");
    }
    validation_ = data_.rows(kept, rows);
    data_ = data_.rows(0, kept);
  }

  // All plans of this call get their memory before the first step: what does not fit is refused here, before anything
  // is allocated.
  void allocate() {
    resident_fits_ = trainer_.fits("fit", data_, bytes_besides());
    const bool own_size = options_.validation_batch_size.has_value();
    trainer_.require_room("fit", "batch_size", options_.batch_size, [&](std::int64_t rows) {
      const Trainer::StepPlans training = training_plans(std::min(rows, data_.size()));
      return own_size ? training : joined(training, validation_plans(rows));
    });
    if (own_size) {
      trainer_.require_room(
          "fit", "validation_batch_size", validation_batch(), [&](std::int64_t rows) { return validation_plans(rows); },
          training_plans(batch_));
    }
    try {
      for (const auto& plan : joined(training_plans(batch_), validation_plans(validation_batch()))) {
        plan->instance->allocate();
      }
    } catch (const OutOfMemory& error) {
      error.rethrow_in("fit");  // the device had less than it said
    }
  }

  static Trainer::StepPlans joined(Trainer::StepPlans a, const Trainer::StepPlans& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  }

  // The plans for batches of `rows` samples, and for the smaller one at the end.
  Trainer::StepPlans training_plans(std::int64_t rows) {
    Trainer::StepPlans plans = {plan(rows)};
    const std::int64_t rest = data_.size() % rows, full_steps = data_.size() / rows;
    if (rest > 0 && !(options_.steps_per_epoch && *options_.steps_per_epoch <= full_steps)) plans.push_back(plan(rest));
    return plans;
  }
  Trainer::StepPlans validation_plans(std::int64_t rows) {
    Trainer::StepPlans plans;
    if (!validation_ || !validation_->resident()) return plans;
    const std::int64_t batch = std::min(rows, validation_->size());
    const bool weighted = validation_->sample_weight().defined();
    for (const std::int64_t size : {batch, validation_->size() % batch}) {
      if (size == 0) continue;
      plans.push_back(trainer_.plan(Phase::evaluate, size, validation_->x(), validation_->y(), weighted, resident_fits_,
                                    validation_->maps()));
    }
    return plans;
  }

  // What this call needs on the device beside its data. Data that is held out comes batch by batch if need be.
  std::int64_t bytes_besides() {
    std::int64_t bytes = plan(batch_)->instance->bytes_to_allocate();
    if (!validation_ || !validation_->resident()) return bytes;
    const Dataset batch = validation_->rows(0, std::min(validation_batch(), validation_->size()));
    const bool weighted = batch.sample_weight().defined();
    const std::shared_ptr<StepPlan> plan =
        trainer_.plan(Phase::evaluate, batch.size(), batch.x(), batch.y(), weighted, true, batch.maps());
    return bytes + plan->instance->bytes_to_allocate() + bytes_of(batch);
  }

  std::int64_t validation_batch() const { return options_.validation_batch_size.value_or(options_.batch_size); }

  std::shared_ptr<StepPlan> plan(std::int64_t rows) {
    return trainer_.plan(Phase::train, rows, data_.x(), data_.y(), data_.sample_weight().defined(), resident_fits_,
                         data_.maps());
  }

  Logs run_epoch(int epoch) {
    for (const Callback& callback : options_.callbacks) callback->on_epoch_begin(training_, epoch);
    trainer_.begin_call();
    trainer_.reset_metrics();
    Progress progress(options_.verbose, training_.steps > 0 ? training_.steps : options_.steps_per_epoch.value_or(-1));
    progress.begin_epoch(epoch, options_.epochs);
    step_ = 0;
    // The order of an epoch depends on the seed and the epoch alone.
    const std::uint64_t key = random_seed() * 0x9E3779B97F4A7C15u + static_cast<std::uint64_t>(epoch) + 1;
    if (!data_.resident()) {
      run_generated(data_.begin_epoch(), options_.steps_per_epoch.value_or(INT64_MAX), progress);
    } else if (!resident_fits_) {
      run_generated(stream_batches(data_, batch_, options_.shuffle, key), training_.steps, progress);
    } else {
      run_resident(key, progress);
    }
    Logs logs = trainer_.metrics();
    if (validation_ || (!options_.validation_data.empty() && !data_.resident())) validate(epoch, logs);
    for (const Callback& callback : options_.callbacks) callback->on_epoch_end(training_, epoch, logs);
    progress.end(step_, logs);
    return logs;
  }

  void run_resident(std::uint64_t key, Progress& progress) {
    if (!resident_) resident_.emplace(trainer_.resident(Phase::train, data_));
    resident_->begin(options_.shuffle, key);
    // Found once: a step looks nothing up and allocates nothing.
    const std::shared_ptr<StepPlan> full = full_steps_ > 0 ? plan(batch_) : nullptr;
    const std::shared_ptr<StepPlan> last = full_steps_ < training_.steps ? plan(rest_) : nullptr;
    while (step_ < training_.steps && !training_.stop) step(step_ < full_steps_ ? *full : *last, progress);
  }

  void step(StepPlan& plan, Progress& progress) {
    for (const Callback& callback : options_.callbacks) callback->on_train_batch_begin(training_, step_);
    trainer_.run(plan);
    after_step(progress);
  }

  void after_step(Progress& progress) {
    if (!options_.callbacks.empty()) {
      const LazyLogs logs(fetch_);
      for (const Callback& callback : options_.callbacks) callback->on_train_batch_end(training_, step_, logs);
    }
    ++step_;
    if (progress.due(step_)) progress.update(step_, trainer_.metrics());
  }

  void run_generated(Generator generator, std::int64_t limit, Progress& progress) {
    Prefetch batches(std::move(generator));
    while (step_ < limit && !training_.stop) {
      const Batch* batch = batches.next();
      if (!batch) break;
      trainer_.check_batch("fit", *batch, data_.maps().empty());
      trainer_.prepare_model("fit", batch->x, !data_.maps().empty());
      if (data_.maps().empty()) {
        trainer_.check_labels("fit", batch->y);
        trainer_.check_indices("fit", batch->x);
      }
      for (const Callback& callback : options_.callbacks) callback->on_train_batch_begin(training_, step_);
      trainer_.run_batch(Phase::train, *batch, data_.maps());
      after_step(progress);
    }
    if (step_ == 0) throw InvalidArgument("fit: the generator gave no batch");
  }

  void validate(int epoch, Logs& logs) {
    if ((epoch + 1 - options_.initial_epoch) % options_.validation_freq != 0) return;
    if (!validation_) {
      const ValidationData& v = options_.validation_data;
      validation_ = Dataset(v.x, v.y, v.sample_weight);
    }
    for (const Callback& callback : options_.callbacks) callback->on_test_begin(training_);
    const Logs results =
        evaluate_model(model_, *validation_,
                       {.batch_size = validation_batch(), .verbose = 0, .steps = options_.validation_steps}, false);
    for (const Callback& callback : options_.callbacks) callback->on_test_end(training_, results);
    for (const auto& [name, value] : results) logs.set("val_" + name, value);
  }

  void record(int epoch, const Logs& logs) {
    history_.epoch.push_back(epoch);
    for (const auto& [name, value] : logs) history_.history[name].push_back(value);
  }

  Model& model_;
  Trainer& trainer_;
  Dataset data_;
  const FitOptions& options_;
  Training training_;
  std::optional<Dataset> validation_;
  std::optional<ResidentData> resident_;
  bool resident_fits_ = true;  // the device's memory
  std::int64_t batch_ = 0, full_steps_ = 0, rest_ = 0, step_ = 0;
  std::function<Logs()> fetch_ = [this] { return trainer_.metrics(); };
  History history_;
};

}  // namespace

History fit_model(Model& model, Dataset data, const FitOptions& options) {
  return Fit(model, std::move(data), options).run();
}

}  // namespace keratin
