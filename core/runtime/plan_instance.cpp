#include "keratin/core/runtime/plan_instance.h"

#include <algorithm>
#include <cstring>
#include <unordered_set>

#include "keratin/core/runtime/detail/validation.h"
#include "keratin/core/runtime/device.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/tensor/log.h"

namespace keratin {
namespace {

std::int64_t aligned(std::int64_t bytes) { return (bytes + kSlotAlignment - 1) / kSlotAlignment * kSlotAlignment; }

// A variable's place in a block shared with the variables that were placed at the same time.
class PlacedVariable final : public DeviceCopy {
 public:
  PlacedVariable(std::shared_ptr<Backend> backend, std::shared_ptr<DeviceBlock> block, std::int64_t offset,
                 std::string device)
      : backend_(std::move(backend)), block_(std::move(block)), offset_(offset), device_(std::move(device)) {}
  void* address() const override { return block_->address() + offset_; }
  void upload(const Tensor& host) override {
    backend_->upload(address(), {static_cast<const std::byte*>(host.raw()), host.bytes()});
  }
  void download(Tensor& host) const override {
    backend_->download({static_cast<std::byte*>(host.raw()), host.bytes()}, address());
  }
  const std::string& device() const override { return device_; }

 private:
  std::shared_ptr<Backend> backend_;
  std::shared_ptr<DeviceBlock> block_;
  std::int64_t offset_;
  std::string device_;
};

// One line for each step: op, layer, device, kernel and algorithm.
std::string placement(const Plan& plan, const Executable& executable, const std::string& device) {
  std::size_t op_width = 2, layer_width = 5;
  for (const Step& step : plan.steps) {
    op_width = std::max(op_width, step.op.size());
    layer_width = std::max(layer_width, step.scope.size());
  }
  const auto padded = [](std::string text, std::size_t width) {
    text.resize(std::max(text.size(), width), ' ');
    return text + "  ";
  };
  std::string text = "plan '" + plan.name + "' on " + device + ", " + std::to_string(plan.steps.size()) + " steps\n  " +
                     padded("op", op_width) + padded("layer", layer_width) + padded("device", device.size()) +
                     "kernel and algorithm";
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const Step& step = plan.steps[i];
    text += "\n  " + padded(std::string(step.op), op_width) +
            padded(step.scope.empty() ? "-" : step.scope, layer_width) + padded(device, std::string("device").size()) +
            executable.describe(static_cast<int>(i));
  }
  return text;
}

std::string megabytes(std::int64_t bytes) { return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB"; }

}  // namespace

DeviceBlock::DeviceBlock(std::shared_ptr<Backend> backend, std::size_t bytes)
    : backend_(std::move(backend)), address_(static_cast<std::byte*>(backend_->allocate(bytes))), bytes_(bytes) {}
DeviceBlock::~DeviceBlock() { backend_->release(address_); }

void Arena::reserve(std::int64_t scratch, std::int64_t workspace) {
  auto grow = [&](std::unique_ptr<DeviceBlock>& block, std::int64_t bytes) {
    if (bytes == 0 || (block && static_cast<std::int64_t>(block->bytes()) >= bytes)) return;
    backend_->synchronize();
    ++generation_;  // also when there is no memory: plans that were bound must not run on what is released here
    block.reset();
    block = std::make_unique<DeviceBlock>(backend_, static_cast<std::size_t>(bytes));
  };
  grow(scratch_, scratch);
  grow(workspace_, workspace);
}

std::int64_t Arena::growth(std::int64_t scratch, std::int64_t workspace) const {
  const auto missing = [](const std::unique_ptr<DeviceBlock>& block, std::int64_t bytes) {
    return std::max<std::int64_t>(0, bytes - (block ? static_cast<std::int64_t>(block->bytes()) : 0));
  };
  return missing(scratch_, scratch) + missing(workspace_, workspace);
}

PlanInstance::PlanInstance(Plan plan, const CompileOptions& options, std::shared_ptr<Arena> arena)
    : plan_(std::move(plan)),
      arena_(std::move(arena)),
      executable_(arena_->backend()->prepare(plan_, options)),
      validator_(validation_wanted() ? make_plan_validator(plan_, options, arena_->backend()) : nullptr),
      state_addresses_(plan_.variables.size()),
      versions_(options.keeps_prepared ? plan_.variables.size() : 0),
      device_name_(arena_->backend()->info().name) {
  if (log_device_placement()) log(LogLevel::info, placement(plan_, *executable_, device_name_));
}

PlanInstance::~PlanInstance() = default;

std::int64_t PlanInstance::workspace_bytes() const {
  const std::int64_t own = executable_->workspace_bytes();
  return validator_ ? std::max(own, validator_->workspace_bytes()) : own;
}

std::int64_t PlanInstance::bytes_to_allocate() const {
  const PlanInstance* self = this;
  return bytes_to_allocate({&self, 1});
}

std::int64_t PlanInstance::bytes_to_allocate(std::span<const PlanInstance* const> plans) {
  std::int64_t bytes = 0, scratch = 0, workspace = 0;
  std::unordered_set<const VariableState*> homeless;
  for (const PlanInstance* instance : plans) {
    if (!instance->feed_) bytes += instance->plan_.feed_bytes;
    for (const VariablePtr& variable : instance->plan_.variables) {
      const auto& copy = variable->device_copy();
      const bool here = copy && copy->device() == instance->device_name_;
      if (!here && homeless.insert(variable.get()).second)
        bytes += aligned(static_cast<std::int64_t>(variable->bytes()));
    }
    scratch = std::max(scratch, instance->plan_.scratch_bytes);
    workspace = std::max(workspace, instance->workspace_bytes());
  }
  return plans.empty() ? 0 : bytes + plans[0]->arena_->growth(scratch, workspace);
}

void PlanInstance::allocate() {
  if (const std::int64_t bytes = bytes_to_allocate(); bytes > 0) {
    const MemoryInfo memory = arena_->backend()->memory();
    const std::int64_t room = memory.limit > 0 ? std::min(memory.free, memory.limit - memory.used) : memory.free;
    if (bytes > room) {
      throw OutOfMemory("plan '" + plan_.name + "' needs " + megabytes(bytes) + " more on " + device_name_ +
                        ", which has " + megabytes(std::max<std::int64_t>(0, room)) +
                        (memory.limit > 0 ? " left of the limit of " + megabytes(memory.limit) : " free") +
                        "; use a smaller batch size or model");
    }
  }
  if (!feed_) {
    // Inputs and outputs without elements have an address too.
    const auto size = static_cast<std::size_t>(std::max<std::int64_t>(plan_.feed_bytes, 1));
    feed_ = std::make_unique<DeviceBlock>(arena_->backend(), size);
    for (const PlanConstant& constant : plan_.constants) {
      const Slot& slot = plan_.slots[static_cast<std::size_t>(constant.slot)];
      arena_->backend()->upload(feed_->address() + slot.offset,
                                {static_cast<const std::byte*>(constant.value.raw()), constant.value.bytes()});
    }
  }
  place_variables();
  arena_->reserve(plan_.scratch_bytes, workspace_bytes());
  bind();
}

// Variables without a place on this device get one block together, in the plan's order.
void PlanInstance::place_variables() {
  std::int64_t bytes = 0;
  std::vector<std::pair<VariableState*, std::int64_t>> homeless;
  for (const VariablePtr& variable : plan_.variables) {
    const auto& copy = variable->device_copy();
    if (copy && copy->device() == device_name_) continue;
    homeless.emplace_back(variable.get(), bytes);
    bytes += aligned(static_cast<std::int64_t>(variable->bytes()));
  }
  if (homeless.empty()) return;
  auto block =
      std::make_shared<DeviceBlock>(arena_->backend(), static_cast<std::size_t>(std::max<std::int64_t>(bytes, 1)));
  for (auto& [variable, offset] : homeless) {
    variable->move_to(std::make_shared<PlacedVariable>(arena_->backend(), block, offset, device_name_));
  }
}

void PlanInstance::bind() {
  for (std::size_t i = 0; i < state_addresses_.size(); ++i) {
    state_addresses_[i] = plan_.variables[i]->device_copy()->address();
  }
  executable_->bind(regions());
  bound_generation_ = arena_->generation();
}

Regions PlanInstance::regions() const {
  return {.state = state_addresses_,
          .feed = feed_ ? feed_->address() : nullptr,
          .scratch = arena_->scratch(),
          .workspace = arena_->workspace()};
}

void PlanInstance::before_run() {
  bool moved = bound_generation_ != arena_->generation();
  for (std::size_t i = 0; i < state_addresses_.size(); ++i) {
    VariableState& variable = *plan_.variables[i];
    const auto& copy = variable.device_copy();
    // The variable may have been trained on another device, or placed anew, since this plan was bound.
    moved = moved || !copy || copy->device() != device_name_ || copy->address() != state_addresses_[i];
  }
  if (moved || (plan_.feed_bytes > 0 && !feed_)) allocate();
  for (const VariablePtr& variable : plan_.variables) variable->sync_device();
  bool changed = false;
  for (std::size_t i = 0; i < versions_.size(); ++i) {
    const std::uint64_t version = plan_.variables[i]->device_version();
    changed = changed || version != versions_[i];
    versions_[i] = version;
  }
  if (changed) executable_->variables_changed();
}

void PlanInstance::after_run() {
  for (std::size_t i = 0; i < plan_.variables.size(); ++i) {
    if (plan_.variable_written[i]) plan_.variables[i]->device_written();
  }
}

void PlanInstance::run() {
  before_run();
  if (!validator_) {
    executable_->run();
  } else {
    try {
      validator_->run(regions());
    } catch (...) {
      after_run();  // steps before the wrong one may have written
      throw;
    }
  }
  after_run();
}

std::vector<double> PlanInstance::run_profiled() {
  before_run();
  std::vector<double> seconds = executable_->run_profiled();
  after_run();
  return seconds;
}

void* PlanInstance::input_address(int i) const {
  return feed_->address() + plan_.slots[static_cast<std::size_t>(plan_.inputs[static_cast<std::size_t>(i)])].offset;
}
void* PlanInstance::output_address(int i) const {
  return feed_->address() + plan_.slots[static_cast<std::size_t>(plan_.outputs[static_cast<std::size_t>(i)])].offset;
}

void PlanInstance::write_input(int i, std::span<const std::byte> data) {
  const Slot& slot = plan_.slots[static_cast<std::size_t>(plan_.inputs[static_cast<std::size_t>(i)])];
  if (static_cast<std::int64_t>(data.size()) != slot.bytes()) {
    throw InvalidArgument("plan '" + plan_.name + "': input " + std::to_string(i) + " takes " +
                          std::to_string(slot.bytes()) + " bytes, got " + std::to_string(data.size()));
  }
  if (!feed_) allocate();
  arena_->backend()->upload(input_address(i), data);
}

void PlanInstance::write_input(int i, const Tensor& value) {
  const Slot& slot = plan_.slots[static_cast<std::size_t>(plan_.inputs[static_cast<std::size_t>(i)])];
  if (value.shape() != slot.shape || value.dtype() != slot.dtype) {
    throw InvalidArgument("plan '" + plan_.name + "': input " + std::to_string(i) + " is " +
                          std::string(name_of(slot.dtype)) + " " + slot.shape.to_string() + ", got " +
                          std::string(name_of(value.dtype())) + " " + value.shape().to_string());
  }
  write_input(i, {static_cast<const std::byte*>(value.raw()), value.bytes()});
}

void PlanInstance::read_output(int i, std::span<std::byte> data) {
  arena_->backend()->download(data, output_address(i));
}

Tensor PlanInstance::read_output(int i) {
  const Slot& slot = plan_.slots[static_cast<std::size_t>(plan_.outputs[static_cast<std::size_t>(i)])];
  Tensor result(slot.shape, slot.dtype);
  read_output(i, {static_cast<std::byte*>(result.raw()), result.bytes()});
  result.set_device(device_name_);
  return result;
}

}  // namespace keratin
