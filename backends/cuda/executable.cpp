#include "keratin/backends/cuda/executable.h"

#include <algorithm>
#include <cstdlib>
#include <exception>
#include <string_view>
#include <utility>

#include "keratin/backends/cuda/recurrent.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/tensor/log.h"

namespace keratin::cuda {
namespace {

// Of KERATIN_CUDA_GRAPH.
bool graphs_are(std::string_view value) {
  const char* set = std::getenv("KERATIN_CUDA_GRAPH");
  return set && set == value;
}

// Loops are captured turn by turn, and a graph's node takes some kilobytes of the host and memory of the device that is
// not planned: a longer plan runs step by step, where launching costs a few microseconds each.
constexpr std::int64_t kMostCaptured = std::int64_t{1} << 15;
// Finding branches takes time with the square of the steps.
constexpr std::size_t kMostBranching = 2000;

class OwnedEvent {
 public:
  OwnedEvent() = default;
  OwnedEvent(OwnedEvent&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}
  OwnedEvent& operator=(OwnedEvent&&) = delete;
  ~OwnedEvent() {
    if (event_) runtime_api().event_destroy(event_);
  }
  void make() { check_runtime(runtime_api().event_create(&event_), "cudaEventCreate"); }
  void record(Stream stream) { check_runtime(runtime_api().event_record(event_, stream), "cudaEventRecord"); }
  Event get() const { return event_; }

 private:
  Event event_ = nullptr;
};

[[noreturn]] void no_kernel(const std::string& device, const Plan& plan, const Step& step) {
  std::string specs;
  for (int input : step.inputs) {
    const Slot& slot = plan.slots[static_cast<std::size_t>(input)];
    specs += (specs.empty() ? "" : ", ") + std::string(name_of(slot.dtype)) + " " + slot.shape.to_string();
  }
  throw BackendError(device + " has no kernel for op '" + std::string(step.op) + "' on (" + specs +
                     "); plans must hold only ops that supports() accepts");
}

}  // namespace

CudaExecutable::CudaExecutable(std::shared_ptr<Context> context, std::string device, const Plan& plan,
                               const CompileOptions& options)
    : context_(std::move(context)),
      device_(std::move(device)),
      name_(plan.name),
      graph_wanted_(!graphs_are("0")),
      branches_wanted_(!graphs_are("chain")) {
  for (const Slot& slot : plan.slots) {
    places_.push_back({slot.region, slot.offset, slot.shape.size() * static_cast<std::int64_t>(size_of(slot.dtype))});
  }
  std::size_t operands = 0;
  for (const Step& step : plan.steps) {
    KernelPtr kernel = prepare_step(plan, step, options, *context_);
    if (!kernel) no_kernel(device_, plan, step);
    StepState state{std::move(kernel), step.inputs, step.inputs.size(), step.scope, std::string(step.op)};
    state.slots.insert(state.slots.end(), step.outputs.begin(), step.outputs.end());
    first_slot_.push_back(operands);
    operands += state.slots.size();
    steps_.push_back(std::move(state));
  }
  addresses_.resize(operands);
  join_steps(plan);
  std::int64_t launches = 0;
  for (const StepState& step : steps_) launches += step.kernel->launches();
  if (graph_wanted_ && launches > kMostCaptured) {
    graph_wanted_ = false;
    log(LogLevel::info, device_ + ": plan '" + name_ + "' makes some " + std::to_string(launches) +
                            " launches, too many for a CUDA graph, and runs step by step");
  }
}

void CudaExecutable::join_steps(const Plan& plan) {
  std::vector<Kernel*> kernels;
  for (const StepState& step : steps_) kernels.push_back(step.kernel.get());
  const std::vector<JoinedSteps> all = join_recurrent(plan, kernels);
  for (const Kernel* kernel : kernels) {
    workspace_bytes_ = std::max(workspace_bytes_, std::int64_t{kernel->workspace_bytes()});
  }
  for (const JoinedSteps& joined : all) {
    const std::int64_t at = (workspace_bytes_ + kSlotAlignment - 1) / kSlotAlignment * kSlotAlignment;
    steps_[joined.first].kept_at = steps_[joined.second].kept_at = at;
    workspace_bytes_ = at + joined.kept_bytes;
  }
}

CudaExecutable::~CudaExecutable() {
  const std::lock_guard lock(context_->mutex());
  drop_graph();
}

void CudaExecutable::drop_graph() {
  if (graph_) runtime_api().graph_exec_destroy(graph_);
  graph_ = nullptr;
}

void CudaExecutable::bind(const Regions& regions) {
  const std::lock_guard lock(context_->mutex());
  drop_graph();  // it holds the addresses it was captured with
  const auto address = [&](int slot) -> void* {
    const auto [region, offset, bytes] = places_[static_cast<std::size_t>(slot)];
    if (region == Region::state) return regions.state[static_cast<std::size_t>(offset)];
    void* base = region == Region::feed ? regions.feed : regions.scratch;
    return static_cast<std::byte*>(base) + offset;
  };
  std::size_t next = 0;
  for (const StepState& step : steps_) {
    for (int slot : step.slots) addresses_[next++] = address(slot);
  }
  workspace_ = static_cast<std::byte*>(regions.workspace);
  make_tapes();
}

void CudaExecutable::make_tapes() {
  work_.clear();
  tapes_.clear();
  for (std::size_t step = 0; step < steps_.size();) {
    Tape tape;
    while (tape.count < Tape::kMaxSteps && step + static_cast<std::size_t>(tape.count) < steps_.size()) {
      const std::size_t next = step + static_cast<std::size_t>(tape.count);
      if (!steps_[next].kernel->write_tape(launch_of(next, context_->stream()), tape.steps[tape.count])) break;
      ++tape.count;
    }
    if (tape.count > 1) {
      work_.push_back({step, static_cast<int>(tapes_.size())});
      tapes_.push_back(tape);
      step += static_cast<std::size_t>(tape.count);
    } else {
      work_.push_back({step, -1});
      ++step;
    }
  }
}

Launch CudaExecutable::launch_of(std::size_t step, Stream stream) const {
  void* const* operands = addresses_.data() + first_slot_[step];
  const StepState& state = steps_[step];
  return {stream, operands, operands + state.inputs, workspace_,
          state.kept_at < 0 ? nullptr : workspace_ + state.kept_at};
}

void CudaExecutable::launch_step(std::size_t step, Stream stream) const {
  const StepState& state = steps_[step];
  try {
    state.kernel->run(launch_of(step, stream));
    check_runtime(runtime_api().last_error(), "a kernel launch");
  } catch (const Error& error) {
    error.rethrow_in(device_ + ", op '" + state.op + "'" + (state.scope.empty() ? "" : " of " + state.scope));
  }
}

void CudaExecutable::launch(const Work& work, Stream stream) const {
  if (work.tape < 0) return launch_step(work.first, stream);
  run_tape(stream, tapes_[static_cast<std::size_t>(work.tape)]);
  check_runtime(runtime_api().last_error(), "the launch of several steps");
}

void CudaExecutable::run_eagerly() const {
  for (const Work& work : work_) launch(work, context_->stream());
}

MemoryUse CudaExecutable::use_of(const Work& work) const {
  MemoryUse use;
  const int count = work.tape < 0 ? 1 : tapes_[static_cast<std::size_t>(work.tape)].count;
  for (std::size_t step = work.first; step < work.first + static_cast<std::size_t>(count); ++step) {
    const StepState& state = steps_[step];
    use.first_stream_only = use.first_stream_only || state.kept_at >= 0 || !state.kernel->runs_on_any_stream();
    for (std::size_t i = 0; i < state.slots.size(); ++i) {
      const auto begin = reinterpret_cast<std::uintptr_t>(addresses_[first_slot_[step] + i]);
      const std::int64_t bytes = places_[static_cast<std::size_t>(state.slots[i])].bytes;
      (i < state.inputs ? use.reads : use.writes).push_back({begin, begin + static_cast<std::uintptr_t>(bytes)});
    }
  }
  return use;
}

// For a capture: other streams join it, and end it before the first one.
void CudaExecutable::run_on_branches() const {
  const RuntimeApi& api = runtime_api();
  std::vector<MemoryUse> uses;
  for (const Work& work : work_) uses.push_back(use_of(work));
  const std::vector<Stream> streams = context_->branch_streams();
  const std::vector<Placement> placed = place_on_streams(uses, streams.size());
  std::vector<bool> awaited(work_.size(), false), joined(streams.size(), false);
  for (const Placement& p : placed) {
    for (const std::size_t other : p.after) awaited[other] = true;
  }
  std::vector<OwnedEvent> ends(work_.size());
  const auto wait = [&](Stream stream, const OwnedEvent& event) {
    check_runtime(api.stream_wait_event(stream, event.get()), "cudaStreamWaitEvent");
  };
  OwnedEvent begin;
  begin.make();
  begin.record(streams[0]);
  for (std::size_t i = 0; i < work_.size(); ++i) {
    const Stream stream = streams[placed[i].stream];
    if (placed[i].stream > 0 && !joined[placed[i].stream]) wait(stream, begin);
    joined[placed[i].stream] = true;
    for (const std::size_t other : placed[i].after) wait(stream, ends[other]);
    launch(work_[i], stream);
    if (!awaited[i]) continue;
    ends[i].make();
    ends[i].record(stream);
  }
  for (std::size_t s = 1; s < streams.size(); ++s) {
    if (!joined[s]) continue;
    OwnedEvent end;
    end.make();
    end.record(streams[s]);
    wait(streams[0], end);
  }
}

// Records the plan as a graph; false when that failed, which leaves the stream as it was.
bool CudaExecutable::capture() {
  const RuntimeApi& api = runtime_api();
  const bool branches = branches_wanted_ && work_.size() <= kMostBranching && context_->make_branch_streams();
  std::string reason;
  int error = api.capture_begin(context_->stream());
  if (error == 0) {
    std::exception_ptr other;
    context_->capturing = true;
    try {
      branches ? run_on_branches() : run_eagerly();
    } catch (const Error& failure) {
      reason = failure.what();
    } catch (...) {
      other = std::current_exception();
    }
    context_->capturing = false;
    Graph graph = nullptr;
    error = api.capture_end(context_->stream(), &graph);
    if (error == 0 && reason.empty() && !other) error = api.graph_instantiate(&graph_, graph);
    if (graph) api.graph_destroy(graph);
    if (other) {
      api.last_error();
      context_->drop_branch_streams();
      std::rethrow_exception(other);
    }
  }
  if (error == 0 && reason.empty()) return true;
  api.last_error();
  graph_ = nullptr;
  context_->drop_branch_streams();  // a capture that failed may hold them
  if (reason.empty()) reason = std::string(api.error_name(error)) + ", " + api.error_text(error);
  log(LogLevel::warning, device_ + ": plan '" + name_ + "' could not be captured as a CUDA graph" +
                             (branches ? " with branches: " : " and runs step by step: ") + reason);
  if (!branches) return false;
  branches_wanted_ = false;
  return capture();
}

void CudaExecutable::run() {
  const std::lock_guard lock(context_->mutex());
  context_->activate();
  if (!warm_) {
    const Context::OverheadMeter meter(*context_);
    run_eagerly();
    warm_ = true;  // only now: what a run that failed has not loaded cannot be captured
    return;
  }
  if (!graph_wanted_) return run_eagerly();
  if (!graph_ && !capture()) {
    graph_wanted_ = false;
    return run_eagerly();
  }
  check_runtime(runtime_api().graph_launch(graph_, context_->stream()), "cudaGraphLaunch of plan '" + name_ + "'");
}

std::string CudaExecutable::describe(int step) const {
  if (step < 0 || static_cast<std::size_t>(step) >= steps_.size()) {
    throw InvalidArgument("plan '" + name_ + "' has " + std::to_string(steps_.size()) + " steps; there is no step " +
                          std::to_string(step));
  }
  return steps_[static_cast<std::size_t>(step)].kernel->description();
}

std::vector<double> CudaExecutable::run_profiled() {
  const std::lock_guard lock(context_->mutex());
  context_->activate();
  const RuntimeApi& api = runtime_api();
  std::vector<OwnedEvent> events(steps_.size() + 1);
  for (OwnedEvent& event : events) event.make();  // before, or it would count as the steps' time
  events[0].record(context_->stream());
  for (std::size_t step = 0; step < steps_.size(); ++step) {
    launch_step(step, context_->stream());
    events[step + 1].record(context_->stream());
  }
  check_runtime(api.event_synchronize(events.back().get()), "cudaEventSynchronize");
  std::vector<double> seconds;
  for (std::size_t step = 0; step < steps_.size(); ++step) {
    float milliseconds = 0;
    check_runtime(api.event_milliseconds(&milliseconds, events[step].get(), events[step + 1].get()),
                  "cudaEventElapsedTime");
    seconds.push_back(milliseconds / 1e3);
  }
  return seconds;
}

}  // namespace keratin::cuda
