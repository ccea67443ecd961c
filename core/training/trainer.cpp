#include "keratin/core/training/detail/trainer.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <unordered_set>

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
Range range_of(const Tensor& tensor) {
  Range range{INFINITY, -INFINITY, true};
  visit_dtype(tensor.dtype(), [&]<class T>() {
    for (const T value : tensor.values<T>()) {
      const double v = static_cast<double>(value);
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

ResidentData::ResidentData(std::shared_ptr<Backend> backend, const Dataset& data, VariablePtr cursor,
                           std::vector<VariablePtr> bases)
    : data_(data), cursor_(std::move(cursor)), cursor_value_({kBatchCursorSize}, DType::int64) {
  std::size_t array = 0;
  auto place = [&](const Tensor& tensor) {
    const void* address = tensor.raw();
    if (!backend->shares_host_memory()) {
      blocks_.push_back(std::make_unique<DeviceBlock>(backend, std::max<std::size_t>(1, tensor.bytes())));
      backend->upload(blocks_.back()->address(), {static_cast<const std::byte*>(tensor.raw()), tensor.bytes()});
      address = blocks_.back()->address();
    }
    Tensor base({1}, DType::int64);
    base.values<std::int64_t>()[0] = static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(address));
    bases[array++]->set_value(base);
  };
  for (const Tensor& x : data_.x()) place(x);
  for (const Tensor& y : data_.y()) place(y);
  if (data_.sample_weight().defined()) place(data_.sample_weight());
}

void ResidentData::begin(std::int64_t rows, bool shuffle, std::uint64_t key) {
  auto fields = cursor_value_.values<std::int64_t>();
  fields[kCursorPosition] = 0;
  fields[kCursorRows] = rows;
  fields[kCursorFirst] = 0;
  fields[kCursorKey] = static_cast<std::int64_t>(key);
  fields[kCursorShuffle] = shuffle ? 1 : 0;
  cursor_->set_value(cursor_value_);
}

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
    if (!loss.sparse_labels()) continue;
    const std::int64_t classes = model_.outputs()[i].shape()[-1];
    const Range range = range_of(y[i]);
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
      if (!layer || layer->index_limit() <= 0) continue;
      for (std::size_t i = 0; i < model_.inputs().size(); ++i) {
        if (node->input(0) == model_.inputs()[i]) index_layers_[i] = {Layer(layer), layer->index_limit()};
      }
    }
  }
  for (std::size_t i = 0; i < x.size() && i < index_layers_.size(); ++i) {
    const auto& [layer, limit] = index_layers_[i];
    if (limit <= 0) continue;
    const Range range = range_of(x[i]);
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

ResidentData Trainer::resident(Phase phase, const Dataset& data) {
  const std::size_t arrays = data.x().size() + data.y().size() + (data.sample_weight().defined() ? 1 : 0);
  PhaseSource& s = source(phase, arrays);
  return ResidentData(backend(), data, s.cursor, s.bases);
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

void Trainer::allocate(const char* verb, std::int64_t batch, const PlanOfRows& plan_of) {
  try {
    plan_of(batch)->instance->allocate();
  } catch (const OutOfMemory& error) {
    refuse(verb, batch, plan_of, error);
  }
}

// By bisection over the plans' own sizes; nothing is allocated.
void Trainer::refuse(const char* verb, std::int64_t batch, const PlanOfRows& plan_of, const OutOfMemory& error) {
  const MemoryInfo memory = backend()->memory();
  const std::int64_t room = memory.limit > 0 ? std::min(memory.free, memory.limit - memory.used) : memory.free;
  std::int64_t good = 0, bad = batch;
  while (bad - good > 1) {
    const std::int64_t middle = good + (bad - good) / 2;
    (plan_of(middle)->instance->bytes_to_allocate() <= room ? good : bad) = middle;
  }
  throw OutOfMemory(
      std::string(verb) + ": batch_size " + std::to_string(batch) + ": " + error.what() +
          (good > 0 ? "; batch_size " + std::to_string(good) + " would fit" : "; not even batch_size 1 would fit"),
      error.cause());
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
    for (int i = 1; std::any_of(items.begin(), items.end(), [&](const auto& item) { return item.first == name; });
         ++i) {
      name = prefix + metric.name() + suffix + "_" + std::to_string(i);
    }
    items.emplace_back(std::move(name), metric.result(state));
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

std::int64_t Trainer::state_bytes(const PlanInstance& instance, bool of_model) const {
  std::unordered_set<const VariableState*> own;
  for (const Variable& variable : model_.variables()) own.insert(variable.state().get());
  std::int64_t bytes = 0;
  for (const VariablePtr& variable : instance.plan().variables) {
    if (own.contains(variable.get()) == of_model) bytes += static_cast<std::int64_t>(variable->bytes());
  }
  return bytes;
}

MemoryReport Trainer::memory(std::int64_t batch) {
  if (batch <= 0) throw InvalidArgument("memory: batch_size must be positive, got " + std::to_string(batch));
  if (!model_.has_graph()) {
    throw InvalidArgument("memory: the model '" + model_.name() + "' has no input shape yet; begin it with an Input");
  }
  // Samples as fit would be given: inputs in their own dtype, targets as the loss takes them.
  TensorList x, y;
  auto row = [](const Shape& shape) {
    Shape one = shape;
    for (int axis = 1; axis < one.rank(); ++axis) {
      if (one[axis] == kUnknown) {
        throw InvalidArgument("memory: an input has shape " + shape.to_string() + "; its sizes must be known");
      }
    }
    one[0] = 0;
    return one;
  };
  for (const Value& input : model_.inputs()) x.push_back(Tensor(row(input.shape()), input.dtype()));
  if (compiled_) {
    for (std::size_t i = 0; i < model_.outputs().size(); ++i) {
      const Shape shape = row(model_.outputs()[i].shape());
      const bool sparse = compiled_->losses[i].sparse_labels();
      y.push_back(sparse ? Tensor(shape.slice(0, -1), DType::int32) : Tensor(shape));
    }
  }
  const std::shared_ptr<StepPlan> step = plan(compiled_ ? Phase::train : Phase::predict, batch, x, y, false, false);
  const Plan& p = step->instance->plan();
  MemoryReport report;
  report.weights = state_bytes(*step->instance, true);
  report.optimizer = state_bytes(*step->instance, false);
  report.gradients = p.gradient_bytes;
  report.activations = std::max<std::int64_t>(0, p.scratch_bytes - p.gradient_bytes);
  report.workspace = step->instance->executable().workspace_bytes();
  report.feed = p.feed_bytes;
  return report;
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
