#include "keratin/core/training/detail/trainer.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "keratin/core/compiler/passes.h"
#include "keratin/core/ops/gather.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/training/detail/model_impl.h"

namespace keratin {
namespace {

// Full and last batches of training, validation and prediction, resident and fed, for a few batch sizes.
constexpr std::size_t kKeptPlans = 16;

std::atomic<bool> check_all{false};

// Smallest and largest element, as doubles, and whether all are whole numbers.
struct Range {
  double low = 0, high = 0;
  bool whole = true;
};
Range range_of(const Tensor& tensor, std::optional<std::int64_t> ignored) {
  Range range{INFINITY, -INFINITY, true};
  visit_dtype(tensor.dtype(), [&]<class T>() {
    for (const T value : tensor.values<T>()) {
      const double v = static_cast<double>(value);
      if (ignored && v == static_cast<double>(*ignored)) continue;
      range.low = std::min(range.low, v);
      range.high = std::max(range.high, v);
      // A NaN fails the comparison too.
      if (is_floating(tensor.dtype()) && !(v == std::floor(v))) range.whole = false;
    }
  });
  return range;
}

std::vector<Spec> row_specs(const TensorList& tensors) {
  std::vector<Spec> specs;
  for (const Tensor& tensor : tensors) specs.push_back({tensor.shape().slice(1, tensor.rank()), tensor.dtype()});
  return specs;
}

}  // namespace

void set_check_numerics(bool check) { check_all = check; }
bool check_numerics() { return check_all; }

Trainer::Trainer(ModelImpl& model)
    : model_(model),
      random_step_(std::make_shared<VariableState>(model.name() + "/random_step", Shape{}, DType::int64,
                                                   [] { return Tensor::scalar<std::int64_t>(0); })) {}

Compiled& Trainer::required(const char* verb) {
  if (!compiled_) {
    throw InvalidArgument(std::string(verb) + ": the model '" + model_.name() +
                          "' has no optimizer and loss; call compile(...) first");
  }
  return *compiled_;
}

void Trainer::prepare_model(const char* verb, const TensorList& x, bool mapped) {
  try {
    if (!model_.has_graph()) {
      if (x.size() != 1) throw InvalidArgument("a Sequential model takes one x, got " + std::to_string(x.size()));
      model_.build_for(std::span<const Shape>(&x[0].shape(), 1));
    }
    if (!mapped && x.size() != model_.inputs().size()) {
      throw InvalidArgument("got " + std::to_string(x.size()) + " x, the model '" + model_.name() + "' has " +
                            std::to_string(model_.inputs().size()) + " inputs");
    }
  } catch (const Error& error) {
    error.rethrow_in(verb);
  }
}

void Trainer::check_labels(const char* verb, const TensorList& y) const {
  for (std::size_t i = 0; i < y.size() && i < compiled_->losses.size(); ++i) {
    const Loss& loss = compiled_->losses[i];
    if (!loss.sparse_labels() || loss.sparse_labels()->any_number) continue;
    const Shape& predictions = model_.outputs()[i].shape();
    const int axis = loss.sparse_labels()->axis;
    if (axis >= predictions.rank() || axis < -predictions.rank()) continue;  // the loss itself says so
    const std::int64_t classes = predictions[axis];
    const Range range = range_of(y[i], loss.sparse_labels()->ignored);
    if (!range.whole || range.low < 0 || (classes > 0 && range.high >= static_cast<double>(classes))) {
      throw InvalidArgument(std::string(verb) + ": loss " + loss.name() +
                            " expects labels that are whole numbers in [0, " + std::to_string(classes) +
                            "), got values from " + format_number(range.low) + " to " + format_number(range.high) +
                            ". Give the last layer one unit for each class, or number the classes from 0.");
    }
  }
}

void Trainer::check_indices(const char* verb, const TensorList& x) {
  if (index_layers_.size() != model_.inputs().size()) {
    index_layers_.assign(model_.inputs().size(), {});
    // Only the layers that read an input directly: what ops compute on the way is not known here.
    for (const NodePtr& node : topological_order(std::span<const Value>(model_.outputs()))) {
      if (node->is_op()) continue;
      const auto layer = std::dynamic_pointer_cast<LayerImpl>(node->layer());
      if (!layer || layer->index_limit() <= 0 || node->attrs_as<CallOptions>().reverse) continue;
      for (std::size_t i = 0; i < model_.inputs().size(); ++i) {
        if (node->input(0) == model_.inputs()[i]) index_layers_[i] = {Layer(layer), layer->index_limit()};
      }
    }
  }
  for (std::size_t i = 0; i < x.size() && i < index_layers_.size(); ++i) {
    const auto& [layer, limit] = index_layers_[i];
    if (limit <= 0) continue;
    const Range range = range_of(x[i], {});
    if (range.low < 0 || range.high >= static_cast<double>(limit)) {
      throw InvalidArgument(std::string(verb) + ": " + layer.name() + " (" + layer.class_name() +
                            ") takes indices in [0, " + std::to_string(limit) + "), x[" + std::to_string(i) +
                            "] has values from " + format_number(range.low) + " to " + format_number(range.high));
    }
  }
}

void Trainer::check_batch(const char* verb, const Batch& batch, bool needs_y) const {
  auto fail = [&](const std::string& message) {
    throw InvalidArgument(std::string(verb) + ": the generator gave " + message);
  };
  if (batch.x.empty()) fail("a batch without x");
  if (needs_y && batch.y.empty()) fail("a batch without y");
  std::int64_t rows = -1;
  auto check = [&](const Tensor& tensor) {
    if (!tensor.defined() || tensor.rank() == 0) fail("an undefined tensor or a scalar");
    if (rows < 0) rows = tensor.shape()[0];
    if (tensor.shape()[0] != rows) {
      fail("tensors with " + std::to_string(rows) + " and " + std::to_string(tensor.shape()[0]) +
           " samples in one batch; they must agree");
    }
  };
  for (const Tensor& x : batch.x) check(x);
  for (const Tensor& y : batch.y) check(y);
  if (batch.sample_weight.defined()) {
    check(batch.sample_weight);
    if (batch.sample_weight.dtype() != DType::float32 || batch.sample_weight.rank() != 1) {
      fail("a sample_weight that is not float32 of shape (n,)");
    }
  }
  if (rows == 0) fail("an empty batch");
}

const std::shared_ptr<Backend>& Trainer::backend() {
  const std::shared_ptr<Backend> current = current_device();
  if (backend_ != current) {
    plans_.clear();
    streaming_said_.clear();
    backend_ = current;
    arena_ = std::make_shared<Arena>(current);
  }
  return backend_;
}

Trainer::PhaseSource& Trainer::source(Phase phase, std::size_t arrays) {
  PhaseSource& source = sources_[static_cast<int>(phase)];
  auto make = [&](const std::string& name, std::int64_t size) {
    return std::make_shared<VariableState>(model_.name() + "/data/" + name, Shape{size}, DType::int64,
                                           [size] { return Tensor({size}, DType::int64); });
  };
  if (!source.cursor) source.cursor = make("cursor", kBatchCursorSize);
  while (source.bases.size() < arrays) source.bases.push_back(make("base" + std::to_string(source.bases.size()), 1));
  return source;
}

void Trainer::refresh_signature() {
  const CompileOptions options = compile_options();
  signature_ = std::to_string(static_cast<int>(options.precision)) + (options.deterministic ? "d" : "-");
  signature_ += check_numerics() ? "c " : "- ";
  // Freezing a layer after compile() takes effect in the next call or epoch.
  for (const Layer& layer : model_.layers()) signature_ += layer.trainable() ? '1' : '0';
  signature_ += " " + std::to_string(trainable_variables(model_).size());
}

namespace {

// Without an allocation: this runs in every step on fed batches.
bool same_rows(const std::vector<Spec>& specs, const TensorList& tensors) {
  if (specs.size() != tensors.size()) return false;
  for (std::size_t i = 0; i < specs.size(); ++i) {
    const Shape &row = specs[i].shape, &shape = tensors[i].shape();
    if (specs[i].dtype != tensors[i].dtype() || row.rank() + 1 != shape.rank()) return false;
    if (!std::equal(row.begin(), row.end(), shape.begin() + 1)) return false;
  }
  return true;
}

}  // namespace

std::shared_ptr<StepPlan> Trainer::plan(Phase phase, std::int64_t batch, const TensorList& x, const TensorList& y,
                                        bool weighted, bool resident, const std::vector<Dataset::Mapping>& maps) {
  backend();
  const auto found = std::find_if(plans_.begin(), plans_.end(), [&](const std::shared_ptr<StepPlan>& kept) {
    const StepPlan& plan = *kept;
    return plan.phase == phase && plan.batch == batch && plan.weighted == weighted && plan.resident == resident &&
           plan.signature == signature_ && same_rows(plan.x, x) && same_rows(plan.y, y) &&
           std::equal(plan.maps.begin(), plan.maps.end(), maps.begin(), maps.end(),
                      [](std::uint64_t id, const Dataset::Mapping& map) { return id == map.id; });
  });
  if (found != plans_.end()) {
    plans_.splice(plans_.begin(), plans_, found);
    return plans_.front();
  }
  StepInputs inputs{
      .batch = batch, .x = row_specs(x), .y = row_specs(y), .weighted = weighted, .cursor = {}, .bases = {}};
  if (resident) {
    PhaseSource& s = source(phase, x.size() + y.size() + (weighted ? 1 : 0));
    inputs.cursor = s.cursor;
    inputs.bases = s.bases;
  }
  StepProgram step = build_step(model_, compiled_ ? &*compiled_ : nullptr, phase, inputs, maps, random_step_,
                                check_numerics() && phase == Phase::train);
  auto made = std::make_shared<StepPlan>(StepPlan{
      .phase = phase,
      .batch = batch,
      .x = std::move(inputs.x),
      .y = std::move(inputs.y),
      .weighted = weighted,
      .resident = resident,
      .maps = {},
      .signature = signature_,
      .instance = std::make_unique<PlanInstance>(keratin::compile(step.program, *backend_), compile_options(), arena_),
      .checked_layers = std::move(step.checked_layers)});
  for (const Dataset::Mapping& map : maps) made->maps.push_back(map.id);
  plans_.push_front(std::move(made));
  if (plans_.size() > kKeptPlans) plans_.pop_back();
  return plans_.front();
}

void Trainer::run(StepPlan& plan) {
  plan.instance->run();
  if (plan.checked_layers.empty()) return;
  const Tensor flags = plan.instance->read_output(0);
  const auto finite = flags.values<float>();
  for (std::size_t i = 0; i < finite.size(); ++i) {
    if (finite[i] == 1) continue;
    throw InvalidArgument(
        "the output of layer '" + plan.checked_layers[i] +
        "' has a NaN or infinity; it is the first such layer of the step. Lower the learning rate, clip "
        "gradients, or look at its input and weights.");
  }
}

std::shared_ptr<StepPlan> Trainer::run_batch(Phase phase, const Batch& batch,
                                             const std::vector<Dataset::Mapping>& maps) {
  std::shared_ptr<StepPlan> step =
      plan(phase, batch.x[0].shape()[0], batch.x, batch.y, batch.sample_weight.defined(), false, maps);
  int input = 0;
  for (const Tensor& x : batch.x) step->instance->write_input(input++, x);
  for (const Tensor& y : batch.y) step->instance->write_input(input++, y);
  if (batch.sample_weight.defined()) step->instance->write_input(input, batch.sample_weight);
  run(*step);
  return step;
}

void Trainer::reset_metrics() {
  auto reset = [](const MetricImpl& metric) {
    for (const Variable& variable : metric.variables()) variable.state()->reinitialize();
  };
  Compiled& c = required("reset_metrics");
  reset(*c.loss);
  for (const auto& tracker : c.output_losses) reset(*tracker);
  for (const auto* lists : {&c.metrics, &c.weighted_metrics}) {
    for (const auto& list : *lists) {
      for (const Metric& metric : list) reset(metric.impl());
    }
  }
}

Logs Trainer::metrics() const {
  std::vector<std::pair<std::string, double>> items;
  const std::vector<std::string> outputs = model_.output_names();
  auto add = [&](const MetricImpl& metric, const std::string& prefix, const std::string& suffix = "") {
    std::vector<Tensor> state;
    for (const Variable& variable : metric.variables()) state.push_back(variable.value());
    std::string name = prefix + metric.name() + suffix;
    // Two metrics of one name: Keras numbers them.
    for (int i = 1; std::any_of(items.begin(), items.end(),
                                [&](const auto& item) { return item.first == name || item.first == name + "[0]"; });
         ++i) {
      name = prefix + metric.name() + suffix + "_" + std::to_string(i);
    }
    const std::vector<double> numbers = metric.results(state);
    if (numbers.size() == 1) {
      items.emplace_back(std::move(name), numbers.front());
      return;
    }
    for (std::size_t k = 0; k < numbers.size(); ++k) {
      items.emplace_back(name + "[" + std::to_string(k) + "]", numbers[k]);
    }
  };
  add(*compiled_->loss, "");
  const bool several = outputs.size() > 1;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::string prefix = several ? outputs[i] + "_" : "";
    if (several) add(*compiled_->output_losses[i], prefix);
    for (const Metric& metric : compiled_->metrics[i]) add(metric.impl(), prefix);
    for (const Metric& metric : compiled_->weighted_metrics[i]) {
      const bool clash = std::any_of(compiled_->metrics[i].begin(), compiled_->metrics[i].end(),
                                     [&](const Metric& other) { return other.name() == metric.name(); });
      add(metric.impl(), prefix + (clash ? "weighted_" : ""));
    }
  }
  return Logs(std::move(items));
}

Trainer::Busy::Busy(Trainer& trainer, bool trains) : trainer_(trainer) {
  std::lock_guard lock(trainer_.busy_mutex_);
  const bool nested = trainer_.busy_depth_ > 0 && trainer_.busy_thread_ == std::this_thread::get_id();
  if (trainer_.busy_depth_ > 0 && !nested) {
    throw InvalidArgument(
        "the model '" + trainer_.model_.name() +
        "' is in use by another call; a model trains, evaluates and predicts from one thread at a time");
  }
  if (nested && trains) {
    throw InvalidArgument("the model '" + trainer_.model_.name() +
                          "' is being trained; a callback may evaluate and predict, but not train it");
  }
  ++trainer_.busy_depth_;
  trainer_.busy_thread_ = std::this_thread::get_id();
  trainer_.begin_call();
}
Trainer::Busy::~Busy() {
  std::lock_guard lock(trainer_.busy_mutex_);
  --trainer_.busy_depth_;
}

}  // namespace keratin
