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
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

}  // namespace

KernelPtr prepare_step(const Plan& plan, const Step& step, Precision precision) {
  std::vector<SpecView> in, out;
  const auto spec = [&](int slot) -> SpecView {
    const Slot& s = plan.slots[static_cast<std::size_t>(slot)];
    return {s.shape, s.dtype};
  };
  for (int slot : step.inputs) in.push_back(spec(slot));
  for (int slot : step.outputs) out.push_back(spec(slot));
  KernelPtr kernel = kernel_table().prepare({step.op, step.attrs, in, out, precision});
  if (kernel) return kernel;
  std::string specs;
  for (const SpecView& s : in) {
    specs += (specs.empty() ? "" : ", ") + std::string(name_of(s.dtype)) + " " + s.shape.to_string();
  }
  throw BackendError("cpu:0 has no kernel for op '" + std::string(step.op) + "' on (" + specs +
                     "); plans must hold only ops that supports() accepts");
}

CpuExecutable::CpuExecutable(const Plan& plan, Precision precision) : name_(plan.name), profiling_(profile_wanted()) {
  for (const Slot& slot : plan.slots) places_.push_back({slot.region, slot.offset});
  std::size_t operands = 0;
  for (const Step& step : plan.steps) {
    StepState state{prepare_step(plan, step, precision), step.inputs, step.inputs.size(), step.scope,
                    std::string(step.op)};
    state.slots.insert(state.slots.end(), step.outputs.begin(), step.outputs.end());
    operands += state.slots.size();
    workspace_bytes_ = std::max(workspace_bytes_, static_cast<std::int64_t>(state.kernel->workspace_bytes()));
    steps_.push_back(std::move(state));
  }
  addresses_.resize(operands);
  if (profiling_) seconds_.resize(steps_.size());
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
}

void CpuExecutable::run() {
  if (profiling_) return run_timed();
  const FlushDenormals flush;
  for (const Call& call : calls_) call.kernel->run(call.in, call.out, workspace_);
}

void CpuExecutable::run_timed() {
  const FlushDenormals flush;
  for (std::size_t i = 0; i < calls_.size(); ++i) {
    const Clock::time_point start = Clock::now();
    calls_[i].kernel->run(calls_[i].in, calls_[i].out, workspace_);
    seconds_[i] += seconds_since(start);
  }
  ++runs_;
}

std::vector<double> CpuExecutable::run_profiled() {
  const FlushDenormals flush;
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
