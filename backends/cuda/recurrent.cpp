// LSTM and GRU loops by cuDNN. Weights are packed from Keras's layout, their gradients unpacked to it.
#include "keratin/core/ops/recurrent.h"

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <string_view>

#include "keratin/backends/cuda/device/shaping.h"
#include "keratin/backends/cuda/recurrent.h"
#include "keratin/backends/cuda/recurrent_plan.h"
#include "keratin/core/runtime/device.h"
#include "keratin/core/tensor/log.h"

namespace keratin::cuda {
namespace {

using PlanPtr = std::shared_ptr<const RecurrentPlan>;

// Pieces of a workspace, one behind the other.
class Pieces {
 public:
  i64 add(i64 bytes) {
    const i64 at = end_;
    end_ += (bytes + kSlotAlignment - 1) / kSlotAlignment * kSlotAlignment;
    return at;
  }
  i64 bytes() const { return end_; }

 private:
  i64 end_ = 0;
};

// A sequence the other way round in time. cuDNN goes through it from its first element.
void flip(Stream stream, i64 time, i64 row, const float* x, float* y) {
  StridedCopy copy{.n = time * row, .x_offset = (time - 1) * row, .y_offset = 0, .at = {}};
  copy.at.axes = 2;
  copy.at.size[0] = time, copy.at.size[1] = row;
  copy.at.stride[0][0] = -row, copy.at.stride[0][1] = 1;
  copy.at.stride[1][0] = row, copy.at.stride[1][1] = 1;
  strided_copy(stream, sizeof(float), copy, x, y);
}

// A use of either op: its operands are x, the states, the weights.
struct Use {
  PlanPtr plan;
  RecurrentWeights weights;
  bool reverse = false, lstm = false;
  std::array<bool, 3> given = {};

  i64 x_row() const { return plan->problem().n * plan->problem().features; }
  i64 y_row() const { return plan->problem().n * plan->problem().units; }
  i64 time() const { return plan->problem().time; }
  i64 x_bytes() const { return time() * x_row() * i64{sizeof(float)}; }
  i64 y_bytes() const { return time() * y_row() * i64{sizeof(float)}; }
  std::size_t kernel() const { return lstm ? 3 : 2; }  // its place among the operands

  std::string description() const { return plan->description() + (reverse ? ", backwards" : ""); }
  static const float* input(const Launch& l, std::size_t i) { return static_cast<const float*>(l.in[i]); }
  static float* output(const Launch& l, std::size_t i) { return static_cast<float*>(l.out[i]); }
};

// Where in a piece of memory lies what a way forwards works on, and in training leaves: x in the order in which cuDNN
// goes through it, when the op goes the other way; y, where it is not the op's result.
struct Way {
  i64 weights = 0, x = 0, y = 0, reserve = 0;

  Way() = default;
  Way(Pieces& pieces, const Use& use, dnn::RnnForwardMode mode)
      : weights(pieces.add(use.plan->weight_bytes())),
        x(pieces.add(use.reverse ? use.x_bytes() : 0)),
        y(pieces.add(use.reverse || mode == dnn::kTraining ? use.y_bytes() : 0)),
        reserve(pieces.add(mode == dnn::kTraining ? use.plan->reserve_bytes() : 0)) {}

  // The operands of a way forwards in this memory.
  RecurrentPlan::Forward operands(const Use& use, const Launch& l, std::byte* memory) const {
    const auto piece = [&](i64 at) { return reinterpret_cast<float*>(memory + at); };
    return {.x = use.reverse ? piece(x) : Use::input(l, 0),
            .h = Use::input(l, 1),
            .c = use.lstm ? Use::input(l, 2) : nullptr,
            .weights = piece(weights),
            .y = piece(y),
            .last_h = nullptr,
            .last_c = nullptr,
            .workspace = nullptr,
            .reserve = piece(reserve)};
  }
  // Packs the weights and turns x round.
  void begin(const Use& use, const Launch& l, std::byte* memory) const {
    const std::size_t k = use.kernel();
    pack_recurrent_weights(l.stream, use.weights, Use::input(l, k), Use::input(l, k + 1),
                           use.weights.biases > 0 ? Use::input(l, k + 2) : nullptr,
                           reinterpret_cast<float*>(memory + weights));
    if (use.reverse) flip(l.stream, use.time(), use.x_row(), Use::input(l, 0), reinterpret_cast<float*>(memory + x));
  }
};

class ForwardKernel final : public Kernel {
 public:
  explicit ForwardKernel(Use use) : Kernel(use.description()), use_(std::move(use)) { place(dnn::kInference); }

  const Use& use() const { return use_; }
  // From now on it leaves what the gradient goes on from; returns how many bytes that takes.
  i64 keep() {
    place(dnn::kTraining);
    return kept_.bytes();
  }
  const Way& way() const { return way_; }

  // cuDNN's handle has a stream, and its work goes there.
  bool runs_on_any_stream() const override { return false; }
  // Some for each step of the sequence; cuDNN does not say how many.
  i64 launches() const override { return 3 * use_.plan->problem().time; }

  void run(const Launch& l) const override {
    const bool keeps = mode_ == dnn::kTraining;
    std::byte* memory = keeps ? l.kept : l.workspace;
    way_.begin(use_, l, memory);
    RecurrentPlan::Forward operands = way_.operands(use_, l, memory);
    if (!keeps && !use_.reverse) operands.y = Use::output(l, 0);
    operands.last_h = Use::output(l, 1);
    operands.last_c = use_.lstm ? Use::output(l, 2) : nullptr;
    operands.workspace = l.workspace + rest_;
    use_.plan->forward(mode_, operands);
    if (use_.reverse) {
      flip(l.stream, use_.time(), use_.y_row(), operands.y, Use::output(l, 0));
    } else if (keeps) {
      check_runtime(
          runtime_api().copy_on_device(l.out[0], operands.y, static_cast<std::size_t>(use_.y_bytes()), l.stream),
          "cudaMemcpyAsync");
    }
  }

 private:
  void place(dnn::RnnForwardMode mode) {
    mode_ = mode;
    Pieces pieces;
    way_ = Way(mode == dnn::kTraining ? kept_ : pieces, use_, mode);
    rest_ = pieces.add(use_.plan->workspace_bytes(mode));
    set_workspace_bytes(pieces.bytes());
  }

  Use use_;
  dnn::RnnForwardMode mode_ = dnn::kInference;
  Pieces kept_;
  Way way_;
  i64 rest_ = 0;  // cuDNN's part of the workspace
};

// Goes on from what the forward pass left, or, where that is not in the same plan, goes forwards again first. (How much
// there is to leave cuDNN tells when a plan is prepared, too late for it to be a value of the program.)
class GradientKernel final : public Kernel {
 public:
  explicit GradientKernel(Use use) : Kernel(use.description() + ", gradient"), use_(std::move(use)) { place(); }

  const Use& use() const { return use_; }
  // From now on a forward pass was there and has left this.
  void go_on_from(const Way& way) {
    joined_ = true;
    place();
    way_ = way;
  }
  std::string description() const override { return Kernel::description() + (joined_ ? "" : ", forwards again"); }

  // cuDNN's handle has a stream, and its work goes there.
  bool runs_on_any_stream() const override { return false; }
  i64 launches() const override { return 6 * use_.plan->problem().time; }

  void run(const Launch& l) const override {
    const auto piece = [&](i64 at) { return reinterpret_cast<float*>(l.workspace + at); };
    const std::size_t kernel = use_.kernel();
    std::byte* memory = joined_ ? l.kept : l.workspace;
    RecurrentPlan::Forward forward = way_.operands(use_, l, memory);
    forward.workspace = piece(rest_);
    if (!joined_) {
      way_.begin(use_, l, memory);
      use_.plan->forward(dnn::kTraining, forward);
    }
    std::size_t next = kernel + 2 + (use_.weights.biases > 0 ? 1 : 0);
    const float* dresults[3] = {};
    for (std::size_t i = 0; i < use_.given.size(); ++i) {
      if (use_.given[i]) dresults[i] = Use::input(l, next++);
    }
    const float* dy = dresults[0];
    if (!dy) {
      dy = piece(dy_);
      zero(l, piece(dy_), use_.y_bytes());
    } else if (use_.reverse) {
      flip(l.stream, use_.time(), use_.y_row(), dresults[0], piece(dy_));
      dy = piece(dy_);
    }
    float* dx = use_.reverse ? piece(dx_) : Use::output(l, 0);
    zero(l, piece(dweights_), use_.plan->weight_bytes());
    use_.plan->backward({.forward = forward,
                         .dy = dy,
                         .dlast_h = dresults[1],
                         .dlast_c = dresults[2],
                         .dx = dx,
                         .dh = Use::output(l, 1),
                         .dc = use_.lstm ? Use::output(l, 2) : nullptr,
                         .dweights = piece(dweights_)});
    unpack_recurrent_weights(l.stream, use_.weights, piece(dweights_), Use::output(l, kernel),
                             Use::output(l, kernel + 1),
                             use_.weights.biases > 0 ? Use::output(l, kernel + 2) : nullptr);
    if (use_.reverse) flip(l.stream, use_.time(), use_.x_row(), dx, Use::output(l, 0));
  }

 private:
  void place() {
    Pieces pieces;
    if (!joined_) way_ = Way(pieces, use_, dnn::kTraining);
    dweights_ = pieces.add(use_.plan->weight_bytes());
    dy_ = pieces.add(use_.reverse || !use_.given[0] ? use_.y_bytes() : 0);
    dx_ = pieces.add(use_.reverse ? use_.x_bytes() : 0);
    rest_ = pieces.add(use_.plan->workspace_bytes(dnn::kTraining));
    set_workspace_bytes(pieces.bytes());
  }

  static void zero(const Launch& l, void* memory, i64 bytes) {
    check_runtime(runtime_api().fill(memory, 0, static_cast<std::size_t>(bytes), l.stream), "cudaMemsetAsync");
  }

  Use use_;
  bool joined_ = false;
  Way way_;
  i64 dweights_ = 0, dy_ = 0, dx_ = 0, rest_ = 0;  // in the workspace
};

// KERATIN_CUDA_RNN=0 makes loops of all recurrent layers, to compare, and to go on where cuDNN fails.
bool allowed() {
  const char* value = std::getenv("KERATIN_CUDA_RNN");
  return !value || std::string_view(value) != "0";
}

// Null when cuDNN refuses; `refusal` says why, when it is asked for the first time.
PlanPtr find_plan(Context& context, const RecurrentProblem& problem, std::string& refusal) {
  const auto [found, is_new] = context.recurrents.try_emplace(problem.key());
  if (is_new) {
    found->second = RecurrentPlan::make(*context.dnn(), context.dnn_handle(), problem, refusal);
  }
  return found->second;
}

// Nothing when the layer is not one for cuDNN. `inputs`: how many there are besides gradients.
std::optional<Use> use_of(const OpCall& call, const RecurrentAttrs& attrs, std::size_t inputs) {
  Context& context = call.context;
  const bool lstm = attrs.kind == RecurrentKind::lstm;
  const std::size_t least = lstm ? 5 : 4;
  if (!context.dnn() || !allowed() || inputs < least || inputs > least + 1) return std::nullopt;
  const auto single = [](const SpecView& spec) { return spec.dtype == DType::float32; };
  if (!std::all_of(call.in.begin(), call.in.end(), single) || !std::all_of(call.out.begin(), call.out.end(), single)) {
    return std::nullopt;
  }
  const Shape &x = call.in[0].shape, &h = call.in[1].shape;
  RecurrentProblem problem{.kind = attrs.kind,
                           .time = x[0],
                           .n = x[1],
                           .features = x[2],
                           .units = h[1],
                           .precision = call.options.precision};
  // This is also asked before there is a plan, by a thread that may not have the device yet.
  const std::lock_guard lock(context.mutex());
  context.activate();
  std::string refusal;
  PlanPtr plan = find_plan(context, problem, refusal);
  if (!plan && problem.precision != Precision::highest) {
    problem.precision = Precision::highest;
    plan = find_plan(context, problem, refusal);
  }
  if (!plan) {
    if (!refusal.empty()) {
      log(LogLevel::warning, "cuda: cuDNN refuses a recurrent layer, which runs as a loop and slower: " + refusal);
    }
    return std::nullopt;
  }
  Use use{.plan = plan, .weights = plan->weights(), .reverse = attrs.reverse, .lstm = lstm, .given = attrs.given};
  use.weights.biases = inputs == least ? 0 : lstm ? 1 : 2;
  return use;
}

KernelPtr prepare_recurrent(const OpCall& call) {
  const auto* attrs = call.attributes<RecurrentAttrs>();
  if (!attrs || call.out.size() != 1 + states_of(attrs->kind)) return nullptr;
  auto use = use_of(call, *attrs, call.in.size());
  if (!use || call.only_asking) return use ? yes() : nullptr;
  return std::make_unique<ForwardKernel>(std::move(*use));
}

KernelPtr prepare_gradient(const OpCall& call) {
  const auto* attrs = call.attributes<RecurrentAttrs>();
  if (!attrs) return nullptr;
  auto use = use_of(call, *attrs, call.out.size());
  if (!use || call.only_asking) return use ? yes() : nullptr;
  return std::make_unique<GradientKernel>(std::move(*use));
}

// Whether `gradient` is that of `forward`: of the same op on the same values.
bool is_gradient_of(const Step& gradient, const Step& forward) {
  if (forward.op != kRecurrent.name || gradient.outputs.size() != forward.inputs.size()) return false;
  const auto &a = std::any_cast<const RecurrentAttrs&>(gradient.attrs),
             &b = std::any_cast<const RecurrentAttrs&>(forward.attrs);
  return a.kind == b.kind && a.reverse == b.reverse &&
         std::equal(forward.inputs.begin(), forward.inputs.end(), gradient.inputs.begin());
}

}  // namespace

std::vector<JoinedSteps> join_recurrent(const Plan& plan, const std::vector<Kernel*>& kernels) {
  std::vector<JoinedSteps> result;
  std::vector<bool> joined(plan.steps.size());
  for (std::size_t second = 0; second < plan.steps.size(); ++second) {
    if (plan.steps[second].op != kRecurrentGrad.name) continue;
    for (std::size_t first = 0; first < second; ++first) {
      // What a gradient goes on from is used up by it.
      if (joined[first] || !is_gradient_of(plan.steps[second], plan.steps[first])) continue;
      auto* forward = dynamic_cast<ForwardKernel*>(kernels[first]);
      auto* gradient = dynamic_cast<GradientKernel*>(kernels[second]);
      if (!forward || !gradient || forward->use().plan != gradient->use().plan) continue;
      joined[first] = true;
      result.push_back({first, second, forward->keep()});
      gradient->go_on_from(forward->way());
      break;
    }
  }
  return result;
}

void register_recurrent(KernelTable& table) {
  table.add(kRecurrent.name, prepare_recurrent);
  table.add(kRecurrentGrad.name, prepare_gradient);
}

}  // namespace keratin::cuda
