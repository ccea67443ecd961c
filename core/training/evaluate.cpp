// The loops of evaluate and predict.
#include <algorithm>
#include <cstring>

#include "keratin/core/tensor/errors.h"
#include "keratin/core/training/detail/model_impl.h"
#include "keratin/core/training/detail/prefetch.h"
#include "keratin/core/training/detail/progress.h"
#include "keratin/core/training/detail/stream.h"
#include "keratin/core/training/detail/trainer.h"

namespace keratin {
namespace {

void check_batch_size(const char* verb, std::int64_t batch_size) {
  if (batch_size <= 0) {
    throw InvalidArgument(std::string(verb) + ": batch_size must be positive, got " + std::to_string(batch_size));
  }
}

// Joins pieces along the first axis.
Tensor joined(const std::vector<Tensor>& pieces) {
  std::int64_t rows = 0;
  for (const Tensor& piece : pieces) rows += piece.shape()[0];
  Shape shape = pieces.front().shape();
  shape[0] = rows;
  Tensor result(shape, pieces.front().dtype());
  auto* to = static_cast<std::byte*>(result.raw());
  for (const Tensor& piece : pieces) {
    if (piece.shape().slice(1, piece.rank()) != shape.slice(1, shape.rank())) {
      throw InvalidArgument("predict: the outputs of two batches have shapes " + pieces.front().shape().to_string() +
                            " and " + piece.shape().to_string() + ", which cannot be joined");
    }
    std::memcpy(to, piece.raw(), piece.bytes());
    to += piece.bytes();
  }
  result.set_device(pieces.front().device());
  return result;
}

}  // namespace

Logs evaluate_model(Model& model, const Dataset& data, const EvaluateOptions& options, bool print) {
  Trainer& trainer = model.model_impl().trainer();
  trainer.required("evaluate");
  check_batch_size("evaluate", options.batch_size);
  trainer.reset_metrics();
  std::int64_t step = 0;
  const std::int64_t limit = options.steps.value_or(INT64_MAX);
  if (data.resident()) {
    trainer.prepare_model("evaluate", data.x(), !data.maps().empty());
    if (data.maps().empty()) {
      trainer.check_labels("evaluate", data.y());
      trainer.check_indices("evaluate", data.x());
    }
    const std::int64_t batch = std::min(options.batch_size, data.size());
    const std::int64_t full = data.size() / batch, rest = data.size() % batch;
    const std::int64_t steps = std::min(limit, full + (rest > 0 ? 1 : 0));
    Progress progress(print ? options.verbose : 0, steps);
    const bool weighted = data.sample_weight().defined();
    auto plan_of = [&](std::int64_t rows) {
      return trainer.plan(Phase::evaluate, rows, data.x(), data.y(), weighted, true, data.maps());
    };
    if (!trainer.fits("evaluate", data, plan_of(batch)->instance->bytes_to_allocate())) {
      return evaluate_model(model, streamed(data, batch), options, print);
    }
    progress.begin();
    trainer.allocate("evaluate", batch, [&](std::int64_t rows) {
      Trainer::StepPlans plans = {plan_of(rows)};
      const std::int64_t last = data.size() % rows;
      if (last > 0 && limit > data.size() / rows) plans.push_back(plan_of(last));
      return plans;
    });
    ResidentData resident = trainer.resident(Phase::evaluate, data);
    resident.begin(false, 0);
    for (const std::shared_ptr<StepPlan> plan = plan_of(batch); step < std::min(steps, full); ++step) {
      trainer.run(*plan);
      if (progress.due(step + 1)) progress.update(step + 1, trainer.metrics());
    }
    if (step < steps) {
      trainer.run(*plan_of(rest));
      ++step;
    }
    Logs logs = trainer.metrics();
    progress.end(step, logs);
    return logs;
  }
  Progress progress(print ? options.verbose : 0, options.steps.value_or(-1));
  progress.begin();
  Prefetch batches(data.begin_epoch());
  while (step < limit) {
    const Batch* batch = batches.next();
    if (!batch) break;
    trainer.check_batch("evaluate", *batch, data.maps().empty());
    trainer.prepare_model("evaluate", batch->x, !data.maps().empty());
    if (data.maps().empty()) trainer.check_labels("evaluate", batch->y);
    trainer.run_batch(Phase::evaluate, *batch, data.maps());
    if (progress.due(++step)) progress.update(step, trainer.metrics());
  }
  if (step == 0) throw InvalidArgument("evaluate: the generator gave no batch");
  Logs logs = trainer.metrics();
  progress.end(step, logs);
  return logs;
}

std::vector<Tensor> predict_model(Model& model, const Dataset& data, const PredictOptions& options) {
  Trainer& trainer = model.model_impl().trainer();
  check_batch_size("predict", options.batch_size);
  const std::int64_t limit = options.steps.value_or(INT64_MAX);
  std::vector<std::vector<Tensor>> pieces;
  auto collect = [&](StepPlan& plan) {
    pieces.resize(plan.instance->plan().outputs.size());
    for (std::size_t i = 0; i < pieces.size(); ++i)
      pieces[i].push_back(plan.instance->read_output(static_cast<int>(i)));
  };
  std::int64_t step = 0;
  if (data.resident()) {
    trainer.prepare_model("predict", data.x(), !data.maps().empty());
    if (data.maps().empty()) trainer.check_indices("predict", data.x());
    const Dataset inputs = data.y().empty() ? data : Dataset(data.x(), {});
    const std::int64_t batch = std::min(options.batch_size, inputs.size());
    const std::int64_t steps = std::min(limit, (inputs.size() + batch - 1) / batch);
    const auto plan_of = [&](std::int64_t rows) {
      return trainer.plan(Phase::predict, rows, inputs.x(), {}, false, true, data.maps());
    };
    if (!trainer.fits("predict", inputs, plan_of(batch)->instance->bytes_to_allocate())) {
      return predict_model(model, streamed(data, batch), options);
    }
    Progress progress(options.verbose, steps);
    progress.begin();
    trainer.allocate("predict", batch, [&](std::int64_t rows) {
      Trainer::StepPlans plans = {plan_of(rows)};
      const std::int64_t last = inputs.size() % rows;
      if (last > 0 && limit > inputs.size() / rows) plans.push_back(plan_of(last));
      return plans;
    });
    ResidentData resident = trainer.resident(Phase::predict, inputs);
    resident.begin(false, 0);
    for (; step < steps; ++step) {
      const std::shared_ptr<StepPlan> plan = plan_of(std::min(batch, inputs.size() - step * batch));
      trainer.run(*plan);
      collect(*plan);
      if (progress.due(step + 1)) progress.update(step + 1, {});
    }
    progress.end(step, {});
  } else {
    Prefetch batches(data.begin_epoch());
    while (step < limit) {
      const Batch* batch = batches.next();
      if (!batch) break;
      trainer.check_batch("predict", *batch, false);
      trainer.prepare_model("predict", batch->x, !data.maps().empty());
      collect(*trainer.run_batch(Phase::predict, {batch->x, {}, {}}, data.maps()));
      ++step;
    }
  }
  if (step == 0) throw InvalidArgument("predict: there is no data");
  std::vector<Tensor> results;
  for (const std::vector<Tensor>& list : pieces) results.push_back(list.size() == 1 ? list[0] : joined(list));
  return results;
}

}  // namespace keratin
