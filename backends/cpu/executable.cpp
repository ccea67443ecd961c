#include "keratin/backends/cpu/executable.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <numeric>
#include <string_view>

#include "keratin/backends/cpu/bf16.h"
#include "keratin/backends/cpu/denormals.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/tensor/log.h"

namespace keratin::cpu {
namespace {

bool profile_wanted() {
  const char* value = std::getenv("KERATIN_PROFILE");
  return value && std::string_view(value) == "1";
}

using Clock = std::chrono::steady_clock;
std::int64_t aligned(std::int64_t bytes) { return (bytes + kSlotAlignment - 1) / kSlotAlignment * kSlotAlignment; }

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// nullptr when there is none.
KernelPtr find_kernel(const Plan& plan, const Step& step, Precision precision) {
  const StepSpecs specs(plan, step);
  return kernel_table().prepare({step.op, step.attrs, specs.in, specs.out, precision});
}

}  // namespace

KernelPtr prepare_step(const Plan& plan, const Step& step, Precision precision) {
  const StepSpecs specs(plan, step);
  KernelPtr kernel = find_kernel(plan, step, precision);
  if (kernel) return kernel;
  std::string text;
  for (const SpecView& s : specs.in) {
    text += (text.empty() ? "" : ", ") + std::string(name_of(s.dtype)) + " " + s.shape.to_string();
  }
  throw BackendError("cpu:0 has no kernel for op '" + std::string(step.op) + "' on (" + text +
                     "); plans must hold only ops that supports() accepts");
}

CpuExecutable::CpuExecutable(const Plan& plan, const CompileOptions& options, const BlockLimits& limits)
    : name_(plan.name), profiling_(profile_wanted()) {
  for (const Slot& slot : plan.slots) places_.push_back({slot.region, slot.offset});
  std::size_t operands = 0;
  for (const Step& step : plan.steps) {
    StepState state{nullptr, step.inputs, step.inputs.size(), step.scope, std::string(step.op)};
    state.slots.insert(state.slots.end(), step.outputs.begin(), step.outputs.end());
    operands += state.slots.size();
    steps_.push_back(std::move(state));
  }
  // Below `highest` a number too large for bfloat16 changes how its whole batch is computed.
  if (!low_precision(options.precision)) make_chains(plan, limits);
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    KernelPtr& kernel = steps_[i].kernel;
    if (!kernel) kernel = prepare_step(plan, plan.steps[i], options.precision);
    workspace_bytes_ = std::max(workspace_bytes_, static_cast<std::int64_t>(kernel->workspace_bytes()));
  }
  split_steps(plan, options.keeps_prepared);
  chain_memory_ = workspace_bytes_ = aligned(workspace_bytes_);
  for (const Chain& chain : chains_) {
    workspace_bytes_ = std::max(workspace_bytes_, chain_memory_ + chain.blocks.own_bytes);
  }
  addresses_.resize(operands);
  if (profiling_) seconds_.resize(steps_.size());
}

// Chains whose kernels take as few images as a block has; some prefer more.
void CpuExecutable::make_chains(const Plan& plan, const BlockLimits& limits) {
  for (ImageBlocks& blocks : find_image_blocks(plan, limits)) {
    std::vector<KernelPtr> kernels;
    for (const Step& step : blocks.plan.steps) kernels.push_back(find_kernel(blocks.plan, step, Precision::highest));
    if (std::find(kernels.begin(), kernels.end(), nullptr) != kernels.end()) continue;
    for (std::size_t i = 0; i < kernels.size(); ++i) {
      steps_[blocks.first + i].kernel = std::move(kernels[i]);
      steps_[blocks.first + i].once = blocks.members[i].once;
    }
    chains_.push_back({std::move(blocks), {}});
  }
}

const CpuExecutable::Chain* CpuExecutable::chain_of(std::size_t step) const {
  for (const Chain& chain : chains_) {
    if (step >= chain.blocks.first && step < chain.blocks.first + chain.blocks.members.size()) return &chain;
  }
  return nullptr;
}

// Kernels that prepare a variable which this plan does not write do so once, until it changes; those that run for many
// blocks prepare any variable once in a run.
void CpuExecutable::split_steps(const Plan& plan, bool keeps_prepared) {
  std::int64_t kept = 0;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const bool repeats = chain_of(i) != nullptr;
    if (!keeps_prepared && !repeats) continue;
    SplitKernel parts = steps_[i].kernel->split();
    if (!parts.prepare) continue;
    const Slot& slot = plan.slots[static_cast<std::size_t>(steps_[i].slots[parts.input])];
    if (slot.region != Region::state) continue;
    const bool keeps = keeps_prepared && !plan.variable_written[static_cast<std::size_t>(slot.offset)];
    if (!keeps && !repeats) continue;
    for (const KernelPtr* kernel : {&parts.prepare, &parts.run}) {
      workspace_bytes_ = std::max(workspace_bytes_, static_cast<std::int64_t>((*kernel)->workspace_bytes()));
    }
    steps_[i].kernel = std::move(parts.run);
    preparations_.push_back({std::move(parts.prepare), static_cast<int>(slot.offset), i, parts.input, kept, keeps});
    kept += aligned(static_cast<std::int64_t>(parts.bytes));
  }
  workspace_bytes_ = aligned(workspace_bytes_);
  for (Preparation& preparation : preparations_) preparation.offset += workspace_bytes_;
  workspace_bytes_ += kept;
}

void CpuExecutable::prepare_variables(std::vector<double>* seconds) {
  for (const Preparation& preparation : preparations_) {
    if (prepared_ && preparation.keeps) continue;
    const void* from = variables_[static_cast<std::size_t>(preparation.variable)];
    void* to = static_cast<std::byte*>(workspace_) + preparation.offset;
    const Clock::time_point start = seconds ? Clock::now() : Clock::time_point();
    preparation.kernel->run(&from, &to, workspace_);
    if (seconds && !preparation.keeps) (*seconds)[preparation.step] += seconds_since(start);
  }
  prepared_ = true;
}

CpuExecutable::~CpuExecutable() {
  if (profiling_ && runs_ > 0) log(LogLevel::output, profile());
}

void CpuExecutable::bind(const Regions& regions) {
  const auto address = [&](int slot) -> void* {
    const auto [region, offset] = places_[static_cast<std::size_t>(slot)];
    if (region == Region::state) return regions.state[static_cast<std::size_t>(offset)];
    void* base = region == Region::feed ? regions.feed : regions.scratch;
    return static_cast<std::byte*>(base) + offset;
  };
  calls_.clear();
  std::size_t next = 0;
  for (const StepState& step : steps_) {
    void** operands = addresses_.data() + next;
    for (int slot : step.slots) addresses_[next++] = address(slot);
    calls_.push_back({step.kernel.get(), operands, operands + step.inputs});
  }
  workspace_ = regions.workspace;
  for (Chain& chain : chains_) bind_chain(chain);
  variables_.assign(regions.state.begin(), regions.state.end());
  for (const Preparation& preparation : preparations_) {
    addresses_[operand_of(preparation.step) + preparation.input] =
        static_cast<std::byte*>(workspace_) + preparation.offset;
  }
  prepared_ = false;
}

std::size_t CpuExecutable::operand_of(std::size_t step) const {
  const void* const* first = addresses_.data();
  return static_cast<std::size_t>(calls_[step].in - first);
}

void CpuExecutable::bind_chain(Chain& chain) {
  chain.moving.clear();
  for (std::size_t i = 0; i < chain.blocks.members.size(); ++i) {
    std::size_t at = operand_of(chain.blocks.first + i);
    for (const ImageBlocks::Operand& operand : chain.blocks.members[i].operands) {
      void*& address = addresses_[at];
      if (operand.place == ImageBlocks::Place::own) {
        address = static_cast<std::byte*>(workspace_) + chain_memory_ + operand.offset;
      } else if (operand.place == ImageBlocks::Place::rows) {
        chain.moving.push_back({at, static_cast<std::byte*>(address), operand.row_bytes});
      }
      ++at;
    }
  }
}

template <class F>
void CpuExecutable::visit(F&& run) {
  std::size_t step = 0;
  const auto run_until = [&](std::size_t end) {
    for (; step < end; ++step) run(step);
  };
  for (const Chain& chain : chains_) {
    const ImageBlocks& blocks = chain.blocks;
    run_until(blocks.first);
    for (std::int64_t block = 0; block < blocks.count(); ++block) {
      for (const Moving& m : chain.moving) addresses_[m.operand] = m.base + blocks.begin(block) * m.row_bytes;
      for (std::size_t i = 0; i < blocks.members.size(); ++i) {
        if (block == 0 || !blocks.members[i].once) run(blocks.first + i);
      }
    }
    step += blocks.members.size();
  }
  run_until(steps_.size());
}

void CpuExecutable::run() {
  const FlushDenormals flush;
  if (profiling_) {
    run_timed(seconds_);
    ++runs_;
    return;
  }
  prepare_variables(nullptr);
  visit([&](std::size_t i) { calls_[i].kernel->run(calls_[i].in, calls_[i].out, workspace_); });
}

void CpuExecutable::run_timed(std::vector<double>& seconds) {
  prepare_variables(&seconds);
  visit([&](std::size_t i) {
    const Clock::time_point start = Clock::now();
    calls_[i].kernel->run(calls_[i].in, calls_[i].out, workspace_);
    seconds[i] += seconds_since(start);
  });
}

std::vector<double> CpuExecutable::run_profiled() {
  const FlushDenormals flush;
  std::vector<double> seconds(steps_.size());
  run_timed(seconds);
  return seconds;
}

std::string CpuExecutable::describe(int step) const {
  if (step < 0 || static_cast<std::size_t>(step) >= steps_.size()) {
    throw InvalidArgument("plan '" + name_ + "' has " + std::to_string(steps_.size()) + " steps; there is no step " +
                          std::to_string(step));
  }
  return description(static_cast<std::size_t>(step));
}

std::string CpuExecutable::description(std::size_t step) const {
  std::string text = steps_[step].kernel->description();
  const Chain* chain = chain_of(step);
  if (chain && !steps_[step].once)
    text += fmt::format(", {} times in a batch of {}", chain->blocks.count(), chain->blocks.images);
  return text;
}

// Steps by time, then layers by time.
std::string CpuExecutable::profile() const {
  const double total = std::accumulate(seconds_.begin(), seconds_.end(), 0.0);
  const double per_run = 1e6 / static_cast<double>(runs_), percent = total > 0 ? 100 / total : 0;
  std::string text = fmt::format("profile of plan '{}': {} runs, {:.1f} us each\n", name_, runs_, total * per_run);
  std::vector<std::size_t> order(steps_.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return seconds_[a] > seconds_[b]; });
  std::map<std::string, double> layers;
  for (std::size_t i : order) {
    const StepState& step = steps_[i];
    layers[step.scope] += seconds_[i];
    text += fmt::format("{:10.1f} us {:5.1f} %  {:<28} {:<32} {}\n", seconds_[i] * per_run, seconds_[i] * percent,
                        step.op, step.scope, description(i));
  }
  std::vector<std::pair<std::string, double>> by_time(layers.begin(), layers.end());
  std::stable_sort(by_time.begin(), by_time.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  text += "by layer:\n";
  for (const auto& [scope, seconds] : by_time) {
    text += fmt::format("{:10.1f} us {:5.1f} %  {}\n", seconds * per_run, seconds * percent,
                        scope.empty() ? "(none)" : scope);
  }
  return text;
}

}  // namespace keratin::cpu
