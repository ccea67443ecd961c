// LSTM and GRU loops by cuDNN. Weights are packed from Keras's layout, their gradients unpacked to it.
#include "keratin/core/ops/recurrent.h"

#include <algorithm>
#include <optional>

#include "keratin/backends/cuda/device/shaping.h"
#include "keratin/backends/cuda/kernel.h"
#include "keratin/backends/cuda/recurrent_plan.h"

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
  void pack(const Launch& l, float* space) const {
    const std::size_t k = kernel();
    pack_recurrent_weights(l.stream, weights, input(l, k), input(l, k + 1),
                           weights.biases > 0 ? input(l, k + 2) : nullptr, space);
  }
  // x in the order in which cuDNN goes through it.
  const float* in_order(const Launch& l, i64 row, const float* x, float* flipped) const {
    if (reverse) flip(l.stream, time(), row, x, flipped);
    return reverse ? flipped : x;
  }

  static const float* input(const Launch& l, std::size_t i) { return static_cast<const float*>(l.in[i]); }
  static float* output(const Launch& l, std::size_t i) { return static_cast<float*>(l.out[i]); }
};

class ForwardKernel final : public Kernel {
 public:
  static KernelPtr make(Use use) {
    Pieces pieces;
    const i64 weights = pieces.add(use.plan->weight_bytes()), x = pieces.add(use.reverse ? use.x_bytes() : 0),
              y = pieces.add(use.reverse ? use.y_bytes() : 0),
              rest = pieces.add(use.plan->workspace_bytes(dnn::kInference));
    return KernelPtr(new ForwardKernel(std::move(use), pieces.bytes(), weights, x, y, rest));
  }

  void run(const Launch& l) const override {
    const auto piece = [&](i64 at) { return reinterpret_cast<float*>(l.workspace + at); };
    float* y = use_.reverse ? piece(y_) : Use::output(l, 0);
    use_.pack(l, piece(weights_));
    use_.plan->forward(dnn::kInference, {.x = use_.in_order(l, use_.x_row(), Use::input(l, 0), piece(x_)),
                                         .h = Use::input(l, 1),
                                         .c = use_.lstm ? Use::input(l, 2) : nullptr,
                                         .weights = piece(weights_),
                                         .y = y,
                                         .last_h = Use::output(l, 1),
                                         .last_c = use_.lstm ? Use::output(l, 2) : nullptr,
                                         .workspace = piece(rest_),
                                         .reserve = nullptr});
    if (use_.reverse) flip(l.stream, use_.time(), use_.y_row(), y, Use::output(l, 0));
  }

 private:
  ForwardKernel(Use use, i64 bytes, i64 weights, i64 x, i64 y, i64 rest)
      : Kernel(use.description(), bytes), use_(std::move(use)), weights_(weights), x_(x), y_(y), rest_(rest) {}

  Use use_;
  i64 weights_, x_, y_, rest_;  // in the workspace
};

// How large cuDNN's notes of a forward run are it says when a plan is prepared, too late for them to be a value of the
// program. So the way forwards is gone once more, in training mode.
class GradientKernel final : public Kernel {
 public:
  static KernelPtr make(Use use) {
    Pieces pieces;
    Places p;
    p.weights = pieces.add(use.plan->weight_bytes());
    p.dweights = pieces.add(use.plan->weight_bytes());
    p.y = pieces.add(use.y_bytes());
    p.dy = pieces.add(use.reverse || !use.given[0] ? use.y_bytes() : 0);
    p.x = pieces.add(use.reverse ? use.x_bytes() : 0);
    p.dx = pieces.add(use.reverse ? use.x_bytes() : 0);
    p.reserve = pieces.add(use.plan->reserve_bytes());
    p.rest = pieces.add(use.plan->workspace_bytes(dnn::kTraining));
    return KernelPtr(new GradientKernel(std::move(use), pieces.bytes(), p));
  }

  void run(const Launch& l) const override {
    const auto piece = [&](i64 at) { return reinterpret_cast<float*>(l.workspace + at); };
    const std::size_t kernel = use_.kernel();
    const RecurrentPlan::Forward forward = {.x = use_.in_order(l, use_.x_row(), Use::input(l, 0), piece(at_.x)),
                                            .h = Use::input(l, 1),
                                            .c = use_.lstm ? Use::input(l, 2) : nullptr,
                                            .weights = piece(at_.weights),
                                            .y = piece(at_.y),
                                            .last_h = nullptr,
                                            .last_c = nullptr,
                                            .workspace = piece(at_.rest),
                                            .reserve = piece(at_.reserve)};
    use_.pack(l, piece(at_.weights));
    use_.plan->forward(dnn::kTraining, forward);

    std::size_t next = kernel + 2 + (use_.weights.biases > 0 ? 1 : 0);
    const float* dresults[3] = {};
    for (std::size_t i = 0; i < use_.given.size(); ++i) {
      if (use_.given[i]) dresults[i] = Use::input(l, next++);
    }
    const float* dy = piece(at_.dy);
    if (dresults[0]) {
      dy = use_.in_order(l, use_.y_row(), dresults[0], piece(at_.dy));
    } else {
      zero(l, piece(at_.dy), use_.y_bytes());
    }
    float* dx = use_.reverse ? piece(at_.dx) : Use::output(l, 0);
    zero(l, piece(at_.dweights), use_.plan->weight_bytes());
    use_.plan->backward({.forward = forward,
                         .dy = dy,
                         .dlast_h = dresults[1],
                         .dlast_c = dresults[2],
                         .dx = dx,
                         .dh = Use::output(l, 1),
                         .dc = use_.lstm ? Use::output(l, 2) : nullptr,
                         .dweights = piece(at_.dweights)});
    unpack_recurrent_weights(l.stream, use_.weights, piece(at_.dweights), Use::output(l, kernel),
                             Use::output(l, kernel + 1),
                             use_.weights.biases > 0 ? Use::output(l, kernel + 2) : nullptr);
    if (use_.reverse) flip(l.stream, use_.time(), use_.x_row(), dx, Use::output(l, 0));
  }

 private:
  struct Places {
    i64 weights, dweights, y, dy, x, dx, reserve, rest;  // in the workspace
  };
  GradientKernel(Use use, i64 bytes, const Places& at)
      : Kernel(use.description() + ", gradient, forwards again", bytes), use_(std::move(use)), at_(at) {}

  static void zero(const Launch& l, void* memory, i64 bytes) {
    check_runtime(runtime_api().fill(memory, 0, static_cast<std::size_t>(bytes), l.stream), "cudaMemsetAsync");
  }

  Use use_;
  Places at_;
};

PlanPtr find_plan(Context& context, const RecurrentProblem& problem) {
  const auto [found, is_new] = context.recurrents.try_emplace(problem.key());
  if (is_new) {
    std::string reason;
    found->second = RecurrentPlan::make(*context.dnn(), context.dnn_handle(), problem, reason);
  }
  return found->second;
}

// Nothing when the layer is not one for cuDNN. `inputs`: how many there are besides gradients.
std::optional<Use> use_of(const OpCall& call, const RecurrentAttrs& attrs, std::size_t inputs) {
  Context& context = call.context;
  const bool lstm = attrs.kind == RecurrentKind::lstm;
  const std::size_t least = lstm ? 5 : 4;
  if (!context.dnn() || inputs < least || inputs > least + 1) return std::nullopt;
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
  PlanPtr plan = find_plan(context, problem);
  if (!plan && problem.precision != Precision::highest) {
    problem.precision = Precision::highest;
    plan = find_plan(context, problem);
  }
  if (!plan) return std::nullopt;
  Use use{.plan = plan, .weights = plan->weights(), .reverse = attrs.reverse, .lstm = lstm, .given = attrs.given};
  use.weights.biases = inputs == least ? 0 : lstm ? 1 : 2;
  return use;
}

KernelPtr prepare_recurrent(const OpCall& call) {
  const auto* attrs = call.attributes<RecurrentAttrs>();
  if (!attrs || call.out.size() != 1 + states_of(attrs->kind)) return nullptr;
  auto use = use_of(call, *attrs, call.in.size());
  if (!use || call.only_asking) return use ? yes() : nullptr;
  return ForwardKernel::make(std::move(*use));
}

KernelPtr prepare_gradient(const OpCall& call) {
  const auto* attrs = call.attributes<RecurrentAttrs>();
  if (!attrs) return nullptr;
  auto use = use_of(call, *attrs, call.out.size());
  if (!use || call.only_asking) return use ? yes() : nullptr;
  return GradientKernel::make(std::move(*use));
}

}  // namespace

void register_recurrent(KernelTable& table) {
  table.add(kRecurrent.name, prepare_recurrent);
  table.add(kRecurrentGrad.name, prepare_gradient);
}

}  // namespace keratin::cuda
