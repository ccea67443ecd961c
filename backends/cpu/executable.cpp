#include "keratin/backends/cpu/executable.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <numeric>
#include <string_view>

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

}  // namespace

KernelPtr prepare_step(const Plan& plan, const Step& step, Precision precision) {
  const StepSpecs specs(plan, step);
  KernelPtr kernel = kernel_table().prepare({step.op, step.attrs, specs.in, specs.out, precision});
  if (kernel) return kernel;
  std::string text;
  for (const SpecView& s : specs.in) {
    text += (text.empty() ? "" : ", ") + std::string(name_of(s.dtype)) + " " + s.shape.to_string();
  }
  throw BackendError("cpu:0 has no kernel for op '" + std::string(step.op) + "' on (" + text +
                     "); plans must hold only ops that supports() accepts");
}

CpuExecutable::CpuExecutable(const Plan& plan, const CompileOptions& options)
    : name_(plan.name), profiling_(profile_wanted()) {
  for (const Slot& slot : plan.slots) places_.push_back({slot.region, slot.offset});
  std::size_t operands = 0;
  for (const Step& step : plan.steps) {
    StepState state{prepare_step(plan, step, options.precision), step.inputs, step.inputs.size(), step.scope,
                    std::string(step.op)};
    state.slots.insert(state.slots.end(), step.outputs.begin(), step.outputs.end());
    operands += state.slots.size();
    workspace_bytes_ = std::max(workspace_bytes_, static_cast<std::int64_t>(state.kernel->workspace_bytes()));
    steps_.push_back(std::move(state));
  }
  if (options.keeps_prepared) split_steps(plan);
  addresses_.resize(operands);
  if (profiling_) seconds_.resize(steps_.size());
}

// Kernels that prepare a variable which this plan does not write do so once, until it changes.
void CpuExecutable::split_steps(const Plan& plan) {
  std::int64_t kept = 0;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    SplitKernel parts = steps_[i].kernel->split();
    if (!parts.prepare) continue;
    const Slot& slot = plan.slots[static_cast<std::size_t>(steps_[i].slots[parts.input])];
    if (slot.region != Region::state || plan.variable_written[static_cast<std::size_t>(slot.offset)]) continue;
    for (const KernelPtr* kernel : {&parts.prepare, &parts.run}) {
      workspace_bytes_ = std::max(workspace_bytes_, static_cast<std::int64_t>((*kernel)->workspace_bytes()));
    }
    steps_[i].kernel = std::move(parts.run);
    preparations_.push_back({std::move(parts.prepare), static_cast<int>(slot.offset), i, parts.input, kept});
    kept += aligned(static_cast<std::int64_t>(parts.bytes));
  }
  workspace_bytes_ = aligned(workspace_bytes_);
  for (Preparation& preparation : preparations_) preparation.offset += workspace_bytes_;
  workspace_bytes_ += kept;
}

void CpuExecutable::prepare_variables() {
  if (prepared_) return;
  for (const Preparation& preparation : preparations_) {
    const void* from = variables_[static_cast<std::size_t>(preparation.variable)];
    void* to = static_cast<std::byte*>(workspace_) + preparation.offset;
    preparation.kernel->run(&from, &to, workspace_);
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
  if (preparations_.empty()) return;
  variables_.assign(regions.state.begin(), regions.state.end());
  for (const Preparation& preparation : preparations_) {
    const void* const* first = addresses_.data();
    const auto at = static_cast<std::size_t>(calls_[preparation.step].in - first);
    addresses_[at + preparation.input] = static_cast<std::byte*>(workspace_) + preparation.offset;
  }
  prepared_ = false;
}

void CpuExecutable::run() {
  const FlushDenormals flush;
  prepare_variables();
  if (profiling_) return run_timed();
  for (const Call& call : calls_) call.kernel->run(call.in, call.out, workspace_);
}

void CpuExecutable::run_timed() {
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    const Clock::time_point start = Clock::now();
    calls_[i].kernel->run(calls_[i].in, calls_[i].out, workspace_);
    seconds_[i] += seconds_since(start);
  }
  ++runs_;
}

std::vector<double> CpuExecutable::run_profiled() {
  const FlushDenormals flush;
  prepare_variables();
  std::vector<double> seconds;
  for (const Call& call : calls_) {
    const Clock::time_point start = Clock::now();
    call.kernel->run(call.in, call.out, workspace_);
    seconds.push_back(seconds_since(start));
  }
  return seconds;
}

std::string CpuExecutable::describe(int step) const {
  if (step < 0 || static_cast<std::size_t>(step) >= steps_.size()) {
    throw InvalidArgument("plan '" + name_ + "' has " + std::to_string(steps_.size()) + " steps; there is no step " +
                          std::to_string(step));
  }
  return steps_[static_cast<std::size_t>(step)].kernel->description();
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
                        step.op, step.scope, step.kernel->description());
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
