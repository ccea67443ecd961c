#include "keratin/backends/cuda/conv_plan.h"

#include <algorithm>

#include "keratin/core/tensor/errors.h"

namespace keratin::cuda {
namespace {

using namespace dnn;  // the constants' names

// cuDNN counts axes as (n, c, h, w), whatever the order in memory: here channels come last.
Descriptor tensor(const Api& api, std::int64_t id, std::array<i64, 4> d, bool is_virtual = false) {
  Descriptor result(api, kTensor);
  result.set_choice(kTensorType, kTypeDataType, kFloat)
      .set_integers(kTensorDimensions, {d[0], d[1], d[2], d[3]})
      .set_integers(kTensorStrides, {d[1] * d[2] * d[3], 1, d[1] * d[3], d[1]})
      .set_integers(kTensorId, {id})
      .set_integers(kTensorAlignment, {kDnnAlignment})
      .set_flag(kTensorIsVirtual, is_virtual)
      .finalize();
  return result;
}

DescriptorType operation_of(ConvDirection direction) {
  switch (direction) {
    case ConvDirection::forward: return kConvolutionForward;
    case ConvDirection::input_gradient: return kConvolutionBackwardData;
    case ConvDirection::kernel_gradient: break;
  }
  return kConvolutionBackwardFilter;
}
int alpha_of(ConvDirection direction) {
  switch (direction) {
    case ConvDirection::forward: return kForwardAlpha;
    case ConvDirection::input_gradient: return kDataAlpha;
    case ConvDirection::kernel_gradient: break;
  }
  return kFilterAlpha;
}

}  // namespace

std::string ConvProblem::key() const {
  const WindowShape& s = shape;
  std::string result;
  for (const i64 number : {static_cast<i64>(direction),
                           s.n,
                           s.h,
                           s.w,
                           s.c,
                           s.kh,
                           s.kw,
                           s.oh,
                           s.ow,
                           s.f,
                           s.stride_h,
                           s.stride_w,
                           s.pad_top,
                           s.pad_left,
                           s.dilation_h,
                           s.dilation_w,
                           s.groups,
                           pad_bottom,
                           pad_right,
                           i64{bias},
                           i64{relu},
                           static_cast<i64>(precision),
                           i64{deterministic},
                           workspace_limit}) {
    result += std::to_string(number) + " ";
  }
  return result;
}

// The convolution and, for a fused one, an addition and a relu behind it.
void ConvPlan::build_graph() {
  const Api& api = target_.api;
  const WindowShape& s = problem_.shape;
  const bool forward = problem_.direction == ConvDirection::forward;
  const bool adds = forward && problem_.bias, clips = forward && problem_.relu;
  const auto keep = [&](Descriptor descriptor) { return parts_.emplace_back(std::move(descriptor)).raw(); };
  parts_.reserve(16);  // raw() stays valid either way; this keeps moves away
  const std::array<i64, 4> y_size{s.n, s.f, s.oh, s.ow};
  const RawDescriptor x = keep(tensor(api, 1, {s.n, s.c, s.h, s.w}));
  const RawDescriptor w = keep(tensor(api, 2, {s.f, s.c / s.groups, s.kh, s.kw}));
  const RawDescriptor y = keep(tensor(api, 3, y_size, adds || clips));
  Descriptor convolution(api, kConvolution);
  convolution.set_choice(kConvolutionComputeType, kTypeDataType, kFloat)
      .set_choice(kConvolutionMode, kTypeConvolutionMode, kCrossCorrelation)
      .set_integers(kConvolutionSpatialAxes, {2})
      .set_integers(kConvolutionPaddingBefore, {s.pad_top, s.pad_left})
      .set_integers(kConvolutionPaddingAfter, {problem_.pad_bottom, problem_.pad_right})
      .set_integers(kConvolutionDilations, {s.dilation_h, s.dilation_w})
      .set_integers(kConvolutionStrides, {s.stride_h, s.stride_w})
      .finalize();
  const RawDescriptor form = keep(std::move(convolution));
  const int alpha = alpha_of(problem_.direction);
  const auto attribute = [&](int offset) { return static_cast<Attribute>(alpha + offset); };
  Descriptor operation(api, operation_of(problem_.direction));
  operation.set_float(attribute(0), 1).set_float(attribute(1), 0).set_descriptors(attribute(2), {form});
  operation.set_descriptors(attribute(3), {w}).set_descriptors(attribute(4), {x}).set_descriptors(attribute(5), {y});
  std::vector<RawDescriptor> operations = {keep(std::move(operation.finalize()))};
  const auto pointwise = [&](PointwiseMode mode, RawDescriptor from, RawDescriptor with, RawDescriptor to) {
    Descriptor kind(api, kPointwise);
    kind.set_choice(kPointwiseMode, kTypePointwiseMode, mode).set_choice(kPointwisePrecision, kTypeDataType, kFloat);
    // relu(NaN) is NaN here, as everywhere.
    if (mode == kReluForward) kind.set_choice(kPointwiseNanPropagation, kTypeNanPropagation, kPropagateNan);
    const RawDescriptor k = keep(std::move(kind.finalize()));
    Descriptor op(api, kOperationPointwise);
    op.set_descriptors(kOperationPointwiseDescriptor, {k}).set_descriptors(kOperationPointwiseX, {from});
    if (with) op.set_descriptors(kOperationPointwiseB, {with});
    op.set_descriptors(kOperationPointwiseY, {to});
    operations.push_back(keep(std::move(op.finalize())));
  };
  switch (problem_.direction) {
    case ConvDirection::forward: ids_ = {1, 2}; break;
    case ConvDirection::input_gradient: ids_ = {3, 2, 1}; break;
    case ConvDirection::kernel_gradient: ids_ = {1, 3, 2}; break;
  }
  RawDescriptor result = y;
  std::int64_t id = 3;
  if (adds) {
    const RawDescriptor b = keep(tensor(api, 4, {1, s.f, 1, 1}));
    const RawDescriptor sum = keep(tensor(api, 5, y_size, clips));
    pointwise(kAdd, result, b, sum);
    ids_.push_back(4);
    result = sum;
    id = 5;
  }
  if (clips) {
    pointwise(kReluForward, result, nullptr, keep(tensor(api, 6, y_size)));
    id = 6;
  }
  if (forward) ids_.push_back(id);
  graph_.emplace(api, kOperationGraph);
  graph_->set_descriptors(kGraphOperations, operations);
  if (target_.handle) graph_->set_handle(kGraphHandle, target_.handle);
  graph_->finalize();
}

bool ConvPlan::accepts(Config& config) const {
  Descriptor engine(target_.api, kEngine);
  config.descriptor.read(kConfigEngine, engine);
  config.engine = engine.integer(kEngineGlobalIndex);
  const std::vector<int> behaviour = engine.choices(kEngineBehaviorNotes, kTypeBehaviorNote);
  config.compiles = std::find(behaviour.begin(), behaviour.end(), kRuntimeCompilation) != behaviour.end();
  for (const int note : engine.choices(kEngineNumericalNotes, kTypeNumericalNote)) {
    switch (note) {
      case kNondeterministic:
        if (problem_.deterministic) return false;
        break;
      // Tensor cores take float32 as TF32.
      case kTensorCore:
      case kFft:
      case kWinograd6x6:
      case kWinograd13x13:
        if (problem_.precision == Precision::highest) return false;
        break;
      case kDownConvertInputs:
      case kReducedPrecisionReduction:
        if (problem_.precision != Precision::medium) return false;
        break;
      case kKeepsNan: config.keeps_nan = true; break;
      default: break;
    }
  }
  return true;
}

void ConvPlan::find_engines(std::string& reason) {
  for (const HeuristicMode mode : {kModeA, kFallback}) {
    try {
      Descriptor heuristics(target_.api, kEngineHeuristics);
      heuristics.set_descriptors(kHeuristicsGraph, {graph_->raw()})
          .set_choice(kHeuristicsMode, kTypeHeuristicMode, mode);
      if (target_.device_properties) {
        heuristics.set_descriptors(kHeuristicsDeviceProperties, {target_.device_properties->raw()});
      }
      heuristics.finalize();
      for (Descriptor& descriptor : heuristics.read_all(kHeuristicsResults, kEngineConfig)) {
        Config config{std::move(descriptor)};
        if (accepts(config)) configs_.push_back(std::move(config));
      }
    } catch (const BackendError& error) {
      reason = error.what();  // this mode has nothing; the other one may
    }
  }
  std::stable_sort(configs_.begin(), configs_.end(),
                   [](const Config& a, const Config& b) { return !a.compiles && b.compiles; });
  if (configs_.empty() && reason.empty()) reason = "cuDNN proposes no engine that meets precision and determinism";
}

bool ConvPlan::advance(std::string& reason) {
  for (; current_ < configs_.size(); ++current_) {
    try {
      Descriptor plan(target_.api, kExecutionPlan);
      plan.set_descriptors(kPlanConfig, {configs_[current_].descriptor.raw()});
      if (target_.device_properties) {
        plan.set_descriptors(kPlanDeviceProperties, {target_.device_properties->raw()});
      } else {
        plan.set_handle(kPlanHandle, target_.handle);
      }
      plan.finalize();
      const std::int64_t bytes = plan.integer(kPlanWorkspace);
      // Once memory is planned, no engine may need more.
      const i64 limit = planned_bytes_ >= 0 ? planned_bytes_ : problem_.workspace_limit;
      if (bytes > limit) {
        reason =
            "an engine needs " + std::to_string(bytes) + " bytes of workspace, allowed are " + std::to_string(limit);
        continue;
      }
      if (plan_) retired_.push_back(std::move(*plan_));
      plan_ = std::move(plan);
      workspace_bytes_ = bytes;
      return true;
    } catch (const BackendError& error) {
      reason = error.what();
    }
  }
  return false;
}

std::shared_ptr<ConvPlan> ConvPlan::make(const ConvTarget& target, const ConvProblem& problem, std::string& reason) {
  std::shared_ptr<ConvPlan> plan(new ConvPlan(target, problem));
  try {
    plan->build_graph();
    plan->find_engines(reason);
    if (!plan->advance(reason)) return nullptr;
  } catch (const BackendError& error) {
    reason = error.what();
    return nullptr;
  }
  plan->planned_bytes_ = plan->workspace_bytes_;
  return plan;
}

std::string ConvPlan::description() const {
  if (current_ >= configs_.size()) return "no engine of cudnn works";
  return "cudnn engine " + std::to_string(configs_[current_].engine) +
         (configs_[current_].compiles ? " (compiled)" : "") + (configs_[current_].keeps_nan ? " (keeps NaN)" : "") +
         ", workspace " + std::to_string(workspace_bytes_);
}

bool ConvPlan::run(const std::vector<void*>& operands, void* workspace, bool capturing) {
  if (current_ >= configs_.size()) return false;
  const Api& api = target_.api;
  Descriptor pack(api, kVariantPack);
  pack.set_integers(kPackIds, ids_).set_pointers(kPackPointers, operands).set_pointers(kPackWorkspace, {workspace});
  pack.finalize();
  while (true) {
    const int status = api.execute(target_.handle, plan_->raw(), pack.raw());
    if (status == kSuccess) return true;
    try {
      check_dnn(api, status, "cudnnBackendExecute of a convolution");
    } catch (const BackendError& error) {
      if (capturing) throw;
      failure_ = error.what();
    }
    std::string refusal;
    ++current_;
    if (!advance(refusal)) return false;
  }
}

}  // namespace keratin::cuda
