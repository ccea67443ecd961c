// Element-wise ops of one shape, with slices, concatenations and sums of rows around them, in one launch.
#include "keratin/core/ops/fused_elementwise.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <vector>

#include "keratin/backends/cuda/device/fused.h"
#include "keratin/backends/cuda/reduction.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"

namespace keratin::cuda {
namespace {

// Rows that a thread sums up itself, where that leaves enough threads for a large device.
constexpr i64 kMostSummedRows = 64, kThreads = 1 << 16;

i64 aligned(i64 bytes) { return (bytes + kSlotAlignment - 1) / kSlotAlignment * kSlotAlignment; }

// The program without addresses, and of which of the kernel's operands they are.
struct Fused {
  struct Place {
    std::size_t index = 0;  // of the kernel's inputs or outputs
    i64 begin = 0;          // elements from its beginning
  };
  struct Sum {
    std::size_t output = 0;
    double factor = 1;
  };
  FusedProgram program;
  std::vector<Place> operands, results;
  std::vector<Sum> sums;
};

class Builder {
 public:
  explicit Builder(const ScanBody& body) : body_(body) {}

  std::optional<Fused> build() {
    nodes_ = topological_order(body_.outputs);
    if (!choose_shape()) return {};
    find_last_uses();
    for (const NodePtr& node : nodes_) {
      const bool computed = !node->is(kScanInput) && !node->is(kConcatenate) && !is_row_reduction(*node);
      if (computed && !(node->is(kSlice) ? add_slice(*node) : add_op(*node))) return {};
    }
    for (std::size_t i = 0; i < body_.outputs.size(); ++i) {
      if (!add_output(i)) return {};
    }
    return std::move(fused_);
  }

 private:
  static constexpr std::size_t kEnd = static_cast<std::size_t>(-1);
  FusedProgram& program() { return fused_.program; }

  bool choose_shape() {
    i64 row = 0;
    for (const NodePtr& node : nodes_) {
      if (is_fusible(node->op())) shape_ = &node->outputs()[0].shape;
    }
    // Numbers are work for tapes, which they share with ops that cannot be fused.
    if (!shape_ || shape_->size() < 2) return false;
    const auto ask_for = [&row](i64 columns) {
      if (columns > 0 && row > 0 && columns != row) return false;
      row = std::max(row, columns);
      return true;
    };
    for (const NodePtr& node : nodes_) {
      const bool of_rows = node->is(kSlice) || node->is(kConcatenate) || is_row_reduction(*node);
      if (of_rows && !ask_for((*shape_)[-1])) return false;
      if (!is_fusible(node->op())) continue;
      for (const Value& operand : node->inputs()) {
        const auto reach = reach_of(operand.shape(), *shape_);
        if (!reach || !ask_for(reach->columns)) return false;
      }
    }
    program().columns = row > 0 ? row : shape_->size();
    program().rows = shape_->size() / program().columns;
    return program().rows * program().columns == shape_->size();
  }

  // Values that leave are needed to the end.
  void find_last_uses() {
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      const bool leaves = nodes_[i]->is(kConcatenate) || is_row_reduction(*nodes_[i]);
      for (const Value& operand : nodes_[i]->inputs()) {
        std::size_t& last = last_use_[operand.node().get()];
        last = leaves ? kEnd : std::max(last, i);
      }
    }
    for (const Value& output : body_.outputs) last_use_[output.node().get()] = kEnd;
    for (std::size_t i = 0; i < nodes_.size(); ++i) position_[nodes_[i].get()] = i;
  }

  std::optional<std::size_t> input_index(const Node& node) const {
    for (std::size_t i = 0; i < body_.inputs.size(); ++i) {
      if (body_.inputs[i].node().get() == &node) return i;
    }
    return {};
  }

  std::optional<FusedSource> add_operand(std::size_t input, i64 begin, i64 stride, bool along) {
    if (program().operands == FusedProgram::kMaxOperands) return {};
    FusedProgram::Operand& operand = program().operand[program().operands];
    operand.stride = stride;
    operand.along = along;
    fused_.operands.push_back({input, begin});
    return static_cast<FusedSource>(program().operands++);
  }

  // Where the value of a node is found; nothing when it cannot be had.
  std::optional<FusedSource> source_of(const Node& node) {
    const auto found = sources_.find(&node);
    if (found != sources_.end()) return found->second;
    const auto source = node.outputs()[0].dtype == dtype() ? add_input(node) : std::nullopt;
    if (source) sources_[&node] = *source;
    return source;
  }

  std::optional<FusedSource> add_input(const Node& node) {
    const auto input = input_index(node);
    const auto reach = input ? reach_of(node.outputs()[0].shape, *shape_) : std::nullopt;
    if (!reach) return {};
    switch (reach->reach) {
      case Reach::whole: return add_operand(*input, 0, program().columns, true);
      case Reach::number: return add_operand(*input, 0, 0, false);
      case Reach::row: return add_operand(*input, 0, 0, true);
      case Reach::column: break;
    }
    return add_operand(*input, 0, 1, false);
  }

  DType dtype() const { return body_.outputs[0].dtype(); }

  bool add_slice(const Node& node) {
    const auto begin = last_axis_slice(node);
    const auto input = input_index(*node.input(0).node());
    if (!begin || !input || node.outputs()[0].shape != *shape_ || node.outputs()[0].dtype != dtype()) return false;
    const auto source = add_operand(*input, *begin, node.input(0).shape()[-1], true);
    if (source) sources_[&node] = *source;
    return source.has_value();
  }

  bool add_op(const Node& node) {
    if (node.outputs()[0].shape != *shape_ || node.outputs()[0].dtype != dtype() ||
        program().instructions == FusedProgram::kMaxInstructions) {
      return false;
    }
    FusedInstruction& instruction = program().instruction[program().instructions];
    if (!choose_kind(node, instruction)) return false;
    const bool selects = instruction.kind == FusedKind::select;
    const std::size_t first = selects ? 1 : 0, operands = instruction.kind == FusedKind::unary ? 1 : 2;
    if (node.inputs().size() != first + operands) return false;
    for (std::size_t i = 0; i < operands; ++i) {
      const auto source = source_of(*node.inputs()[first + i].node());
      if (!source) return false;
      (i == 0 ? instruction.a : instruction.b) = *source;
    }
    if (selects) {
      const Node& condition = *node.input(0).node();
      const auto source = condition.outputs()[0].dtype == DType::boolean ? add_input(condition) : std::nullopt;
      if (!source) return false;
      instruction.condition = *source;
    }
    // The result may take the register of an operand: both are read before.
    for (const Value& operand : node.inputs()) release(*operand.node(), position_.at(&node));
    const auto free = std::find(in_use_.begin(), in_use_.end(), false);
    if (free == in_use_.end()) return false;
    *free = true;
    instruction.to = static_cast<std::uint8_t>(free - in_use_.begin());
    sources_[&node] = static_cast<FusedSource>(kFusedRegister + instruction.to);
    ++program().instructions;
    return true;
  }

  void release(const Node& operand, std::size_t position) {
    const auto source = sources_.find(&operand);
    if (source == sources_.end() || source->second < kFusedRegister || last_use_.at(&operand) != position) return;
    in_use_[static_cast<std::size_t>(source->second - kFusedRegister)] = false;
  }

  bool add_result(std::size_t output, const Node& node, i64 begin, i64 stride) {
    const auto source = source_of(node);
    if (!source || program().results == FusedProgram::kMaxResults) return false;
    FusedProgram::Result& result = program().result[program().results++];
    result.stride = stride;
    result.from = *source;
    fused_.results.push_back({output, begin});
    return true;
  }

  bool add_output(std::size_t i) {
    const Node& node = *body_.outputs[i].node();
    if (is_row_reduction(node)) {
      if (node.input(0).shape() != *shape_ || program().sums == FusedProgram::kMaxSums) return false;
      const auto source = source_of(*node.input(0).node());
      if (!source) return false;
      program().sum[program().sums++].from = *source;
      fused_.sums.push_back({i, node.is(kMean) ? 1.0 / static_cast<double>(program().rows) : 1.0});
      return true;
    }
    if (!node.is(kConcatenate)) return add_result(i, node, 0, program().columns);
    i64 begin = 0;
    for (const Value& piece : node.inputs()) {
      if (piece.shape() != *shape_ || !add_result(i, *piece.node(), begin, node.outputs()[0].shape[-1])) return false;
      begin += piece.shape()[-1];
    }
    return true;
  }

  static bool choose_kind(const Node& node, FusedInstruction& instruction) {
    static const std::unordered_map<const OpDef*, Unary> unary = {
        {&kNegative, Unary::negative}, {&kAbs, Unary::abs},         {&kSquare, Unary::square},
        {&kSqrt, Unary::sqrt},         {&kRsqrt, Unary::rsqrt},     {&kReciprocal, Unary::reciprocal},
        {&kExp, Unary::exp},           {&kExpm1, Unary::expm1},     {&kLog, Unary::log},
        {&kLog1p, Unary::log1p},       {&kSin, Unary::sin},         {&kCos, Unary::cos},
        {&kTanh, Unary::tanh},         {&kSigmoid, Unary::sigmoid}, {&kSoftplus, Unary::softplus},
        {&kErf, Unary::erf},           {&kArctan, Unary::arctan},   {&kRelu, Unary::relu},
        {&kFloor, Unary::floor},       {&kCeil, Unary::ceil},       {&kRound, Unary::round},
        {&kSign, Unary::sign}};
    static const std::unordered_map<const OpDef*, Binary> binary = {
        {&kAdd, Binary::add},        {&kSubtract, Binary::subtract}, {&kMultiply, Binary::multiply},
        {&kDivide, Binary::divide},  {&kPower, Binary::power},       {&kMaximum, Binary::maximum},
        {&kMinimum, Binary::minimum}};
    static const std::unordered_map<const OpDef*, Gradient> gradient = {
        {&kReluGrad, Gradient::relu}, {&kSigmoidGrad, Gradient::sigmoid}, {&kTanhGrad, Gradient::tanh}};
    if (node.is(kWhere)) {
      instruction.kind = FusedKind::select;
      return true;
    }
    const auto choose = [&](const auto& table, FusedKind kind) {
      const auto found = table.find(&node.op());
      if (found == table.end()) return false;
      instruction.kind = kind;
      instruction.op = static_cast<std::uint8_t>(found->second);
      return true;
    };
    return choose(unary, FusedKind::unary) || choose(binary, FusedKind::binary) ||
           choose(gradient, FusedKind::gradient);
  }

  const ScanBody& body_;
  std::vector<NodePtr> nodes_;
  const Shape* shape_ = nullptr;
  Fused fused_;
  std::unordered_map<const Node*, FusedSource> sources_;
  std::unordered_map<const Node*, std::size_t> last_use_, position_;
  std::vector<bool> in_use_ = std::vector<bool>(FusedProgram::kMaxRegisters);
};

KernelPtr prepare_fused(const OpCall& call) {
  const auto* attrs = call.attributes<FusedElementwiseAttrs>();
  if (!attrs || call.out.empty() || call.in.size() != attrs->body->inputs.size() ||
      call.out.size() != attrs->body->outputs.size() || !is_floating(call.out[0].dtype)) {
    return nullptr;
  }
  std::optional<Fused> built = Builder(*attrs->body).build();
  if (!built) return nullptr;
  const DType dtype = call.out[0].dtype;
  const auto element = static_cast<i64>(size_of(dtype));
  FusedProgram& program = built->program;
  // Sums are taken in blocks of rows, then over the blocks: always in the same order.
  i64 workspace = 0, sum_bytes = 0;
  std::vector<KernelPtr> sums;
  if (program.sums > 0) {
    program.block_rows = std::clamp<i64>(program.rows * program.columns / kThreads, 1, kMostSummedRows);
    sum_bytes = aligned(program.blocks() * program.columns * element);
    for (const Fused::Sum& sum : built->sums) {
      sums.push_back(make_reduction(Reduction::sum, dtype, {1, program.blocks(), program.columns}, sum.factor));
      workspace = std::max(workspace, sums.back()->workspace_bytes());
    }
  }
  const i64 partial_bytes = sum_bytes * static_cast<i64>(sums.size());
  std::string text =
      std::to_string(program.instructions + program.sums) + " elementwise at once " + std::string(name_of(dtype));
  return make_kernel(std::move(text), partial_bytes + workspace,
                     [=, fused = std::move(*built), sums = std::move(sums)](const Launch& l) {
                       FusedProgram run = fused.program;
                       for (std::size_t i = 0; i < fused.operands.size(); ++i) {
                         run.operand[i].x = static_cast<const std::byte*>(l.in[fused.operands[i].index]) +
                                            fused.operands[i].begin * element;
                       }
                       for (std::size_t i = 0; i < fused.results.size(); ++i) {
                         run.result[i].y =
                             static_cast<std::byte*>(l.out[fused.results[i].index]) + fused.results[i].begin * element;
                       }
                       for (std::size_t i = 0; i < sums.size(); ++i)
                         run.sum[i].y = l.workspace + static_cast<i64>(i) * sum_bytes;
                       run_fused(l.stream, dtype, run);
                       for (std::size_t i = 0; i < sums.size(); ++i) {
                         const void* partial = run.sum[i].y;
                         sums[i]->run({l.stream, &partial, &l.out[fused.sums[i].output], l.workspace + partial_bytes});
                       }
                     });
}

}  // namespace

void register_fused_elementwise(KernelTable& table) { table.add(kFusedElementwise.name, prepare_fused); }

}  // namespace keratin::cuda
