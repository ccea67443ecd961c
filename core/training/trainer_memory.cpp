// What a call needs of the device's memory: its plans, its data, and what they take.
#include <algorithm>
#include <unordered_set>

#include "keratin/core/ops/gather.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/tensor/log.h"
#include "keratin/core/training/detail/model_impl.h"
#include "keratin/core/training/detail/stream.h"
#include "keratin/core/training/detail/trainer.h"

namespace keratin {
namespace {

// What may still be allocated.
std::int64_t room_of(const MemoryInfo& memory) {
  return memory.limit > 0 ? std::min(memory.free, memory.limit - memory.used) : memory.free;
}

}  // namespace

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

void ResidentData::begin(bool shuffle, std::uint64_t key) {
  auto fields = cursor_value_.values<std::int64_t>();
  fields[kCursorPosition] = 0;
  fields[kCursorRows] = data_.size();
  fields[kCursorFirst] = 0;
  fields[kCursorKey] = static_cast<std::int64_t>(key);
  fields[kCursorShuffle] = shuffle ? 1 : 0;
  cursor_->set_value(cursor_value_);
}

bool Trainer::fits(const char* verb, const Dataset& data, std::int64_t others) {
  if (backend()->shares_host_memory()) return true;
  const std::int64_t bytes = bytes_of(data);
  const std::int64_t room = room_of(backend()->memory()) - others;
  if (bytes <= room) return true;
  if (!streaming_said_.insert(verb).second) return false;  // in every epoch's validation, say
  log(LogLevel::info, std::string(verb) + ": the data takes " + format_bytes(bytes) + " and " + backend()->info().name +
                          " has " + format_bytes(std::max<std::int64_t>(0, room)) +
                          " left beside the model: its batches are copied there one by one");
  return false;
}

ResidentData Trainer::resident(Phase phase, const Dataset& data) {
  const std::size_t arrays = data.x().size() + data.y().size() + (data.sample_weight().defined() ? 1 : 0);
  PhaseSource& s = source(phase, arrays);
  if (!backend()->shares_host_memory()) {
    const std::int64_t bytes = bytes_of(data);
    const std::int64_t room = room_of(backend()->memory());
    if (bytes > room) {
      throw OutOfMemory("the data takes " + format_bytes(bytes) + " and " + backend()->info().name + " has " +
                        format_bytes(std::max<std::int64_t>(0, room)) + " left beside the plans");
    }
  }
  return ResidentData(backend(), data, s.cursor, s.bases);
}

void Trainer::allocate(const char* verb, std::int64_t batch, const PlansOf& plans_of) {
  require_room(verb, "batch_size", batch, plans_of);
  try {
    for (const std::shared_ptr<StepPlan>& plan : plans_of(batch)) plan->instance->allocate();
  } catch (const OutOfMemory& error) {
    error.rethrow_in(verb);  // the device had less than it said
  }
}

void Trainer::require_room(const char* verb, const char* option, std::int64_t rows, const PlansOf& plans_of,
                           const StepPlans& others) {
  const auto bytes_with = [&](std::int64_t value) {
    const StepPlans plans = plans_of(value);  // alive while they are looked at
    std::vector<const PlanInstance*> instances;
    for (const auto& plan : others) instances.push_back(plan->instance.get());
    for (const auto& plan : plans) instances.push_back(plan->instance.get());
    return PlanInstance::bytes_to_allocate(instances);
  };
  const std::int64_t bytes = bytes_with(rows);
  if (bytes == 0) return;  // as in most calls but the first: the device need not be asked
  const MemoryInfo memory = backend()->memory();
  const std::int64_t room = room_of(memory);
  if (bytes <= room) return;
  // By bisection over the plans' own sizes.
  std::int64_t good = 0, bad = rows;
  while (bad - good > 1) {
    const std::int64_t middle = good + (bad - good) / 2;
    (bytes_with(middle) <= room ? good : bad) = middle;
  }
  const std::string name(option);
  throw OutOfMemory(
      std::string(verb) + ": " + name + " " + std::to_string(rows) + " needs " + format_bytes(bytes) + " more on " +
      backend()->info().name + ", which has " + format_bytes(std::max<std::int64_t>(0, room)) +
      (memory.limit > 0 ? " left of the limit of " + format_bytes(memory.limit) : " free") + "; " +
      (good > 0 ? name + " " + std::to_string(good) + " would fit" : "not even " + name + " 1 would fit"));
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
      const auto& sparse = compiled_->losses[i].sparse_labels();
      if (!sparse) {
        y.push_back(Tensor(shape));
        continue;
      }
      const int axis = sparse->axis < 0 ? sparse->axis + shape.rank() : sparse->axis;
      y.push_back(Tensor(shape.slice(0, axis).concat(shape.slice(axis + 1, shape.rank())), DType::int32));
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

}  // namespace keratin
