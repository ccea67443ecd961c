// Element-wise ops of one shape, computed a piece at a time: the piece stays in the L1 cache from op to op, and only
// the operands and what others need go through memory. The ops' own kernels do the work.
#include "keratin/core/ops/fused_elementwise.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <unordered_map>

#include "keratin/backends/cpu/parallel.h"
#include "keratin/backends/cpu/typed.h"
#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"

namespace keratin::cpu {
namespace {

constexpr i64 kPiece = 1024;     // elements that are worked on together
constexpr i64 kMostTotals = 64;  // sums that are kept apart
constexpr i64 kHeavy = 4;        // what a division or a function costs beside an addition

// How the elements of an operand or a result belong to those of the piece; `part`: rows of a wider array.
enum class Way : int { whole, number, row, part };
enum class Where : int { input, output, own };

struct Operand {
  Where where = Where::own;
  std::size_t index = 0;  // of the input, the output, or the piece of the thread's own memory
  Way reach = Way::whole;
  i64 begin = 0, stride = 0;  // part: first column, elements from row to row
};

template <class T>
struct Instruction {
  enum Kind { unary, binary, gradient, copy } kind = copy;
  void (*one)(const T*, T*, i64) = nullptr;
  void (*two)(Layout, const T*, const T*, T*, i64, i64) = nullptr;
  void (*from_result)(const T* y, const T* dy, T* dx, i64) = nullptr;
  Operand a, b, result;
  bool by_rows = false;  // operands are no arrays of the piece's size
};

// A sum over the rows, times a factor.
struct RowSum {
  Operand from;
  std::size_t output = 0;
  double factor = 1;
};

// A rectangle of elements: several whole rows, or a part of one.
struct Piece {
  i64 row, column, rows, columns;
  i64 size() const { return rows * columns; }
};

template <class T>
struct FusedProgram {
  std::vector<Instruction<T>> instructions;
  std::vector<RowSum> sums;
  i64 rows = 1, columns = 1;  // of the shape
  std::size_t own = 0;        // pieces of memory that a thread needs
  i64 piece_rows = 1, piece_columns = 1;
  i64 weight = 0;

  T* address(const Operand& o, const Piece& piece, const void* const* in, void* const* out, T* memory) const {
    if (o.where == Where::own) return memory + static_cast<i64>(o.index) * piece_rows * piece_columns;
    // Only results are written to.
    T* base = o.where == Where::input ? const_cast<T*>(as<T>(in[o.index])) : as<T>(out[o.index]);
    switch (o.reach) {
      case Way::whole: return base + piece.row * columns + piece.column;
      case Way::number: return base;
      case Way::row: return base + piece.column;
      case Way::part: break;
    }
    return base + piece.row * o.stride + o.begin + piece.column;
  }

  // From one row of a piece to the next.
  static i64 step(const Operand& o, const Piece& piece) {
    return o.reach == Way::whole ? piece.columns : o.reach == Way::part ? o.stride : 0;
  }

  static void run(const Instruction<T>& i, const T* a, const T* b, T* result, i64 n, i64 row) {
    switch (i.kind) {
      case Instruction<T>::unary: return i.one(a, result, n);
      case Instruction<T>::gradient: return i.from_result(b, a, result, n);
      case Instruction<T>::binary: {
        const Layout layout = i.a.reach == Way::number           ? Layout::scalar_left
                              : i.b.reach == Way::number         ? Layout::scalar_right
                              : i.b.reach == Way::row && row < n ? Layout::row_right
                                                                 : Layout::same;
        return i.two(layout, a, b, result, n, row);
      }
      case Instruction<T>::copy: std::memcpy(result, a, static_cast<std::size_t>(n) * sizeof(T));
    }
  }

  // Adds the piece's rows to `totals`, a row for each sum: those of operands, or of what was computed.
  void add_rows(bool operands, const Piece& piece, const void* const* in, void* const* out, T* memory,
                T* totals) const {
    const auto& kernels = float_kernels<T>();
    T* row = memory + static_cast<i64>(own) * piece_rows * piece_columns;
    for (const RowSum& sum : sums) {
      if ((sum.from.where == Where::input) != operands) {
        totals += columns;
        continue;
      }
      const T* from = address(sum.from, piece, in, out, memory);
      const ReduceShape shape{1, piece.rows, piece.columns, step(sum.from, piece)};
      kernels.reduce[static_cast<int>(Reduction::sum)](shape, from, row);
      kernels.add_scaled(T{1}, row, totals + piece.column, piece.columns);
      totals += columns;
    }
  }

  void run(const Piece& piece, const void* const* in, void* const* out, T* memory) const {
    for (const Instruction<T>& i : instructions) {
      const T* a = address(i.a, piece, in, out, memory);
      const T* b = i.two || i.from_result ? address(i.b, piece, in, out, memory) : nullptr;
      T* result = address(i.result, piece, in, out, memory);
      if (!i.by_rows || piece.rows == 1) {
        run(i, a, b, result, piece.size(), piece.columns);
        continue;
      }
      const i64 step_a = step(i.a, piece), step_b = step(i.b, piece), step_result = step(i.result, piece);
      for (i64 r = 0; r < piece.rows; ++r) {
        run(i, a + r * step_a, b ? b + r * step_b : nullptr, result + r * step_result, piece.columns, piece.columns);
      }
    }
  }
};

template <class T>
class Builder {
 public:
  explicit Builder(const ScanBody& body) : body_(body) {}

  std::optional<FusedProgram<T>> build() {
    const std::vector<NodePtr> nodes = topological_order(body_.outputs);
    if (!choose_shape(nodes)) return {};
    for (std::size_t i = 0; i < body_.inputs.size(); ++i) {
      places_[body_.inputs[i].node().get()] = input(i);
    }
    for (const NodePtr& node : nodes) {
      for (const Value& operand : node->inputs()) last_use_[operand.node().get()] = node.get();
    }
    for (const NodePtr& node : nodes) {
      if (is_row_reduction(*node)) last_use_[node->input(0).node().get()] = nullptr;  // summed up at the end
    }
    for (std::size_t i = 0; i < body_.outputs.size(); ++i) {
      const Node& node = *body_.outputs[i].node();
      if (is_row_reduction(node)) continue;
      if (node.is(kConcatenate)) {
        i64 begin = 0;
        for (const Value& piece : node.inputs()) {
          results_[piece.node().get()].push_back({Where::output, i, Way::part, begin, node.outputs()[0].shape[-1]});
          begin += piece.shape()[-1];
        }
      } else {
        results_[&node].push_back({Where::output, i, Way::whole, 0, 0});
      }
    }
    for (const NodePtr& node : nodes) {
      if (node->is(kScanInput) || node->is(kConcatenate) || is_row_reduction(*node)) continue;
      if (!add(*node)) return {};
    }
    for (std::size_t i = 0; i < body_.outputs.size(); ++i) {
      const Node& node = *body_.outputs[i].node();
      if (!is_row_reduction(node)) continue;
      const auto from = places_.find(node.input(0).node().get());
      if (from == places_.end() || node.input(0).shape() != *shape_ || from->second.reach == Way::row) return {};
      program_.sums.push_back({from->second, i, node.is(kMean) ? 1.0 / static_cast<double>(program_.rows) : 1.0});
      ++program_.weight;
    }
    write_last();
    return std::move(program_);
  }

 private:
  bool choose_shape(const std::vector<NodePtr>& nodes) {
    i64 row = 0;
    for (const NodePtr& node : nodes) {
      if (is_fusible(node->op())) shape_ = &node->outputs()[0].shape;
    }
    if (!shape_) return false;
    for (const NodePtr& node : nodes) {
      if (node->is(kSlice) || node->is(kConcatenate) || is_row_reduction(*node)) row = (*shape_)[-1];
      if (!is_fusible(node->op())) continue;
      for (const Value& operand : node->inputs()) {
        const auto reach = reach_of(operand.shape(), *shape_);
        if (!reach || reach->reach == Reach::column) return false;
        row = std::max(row, reach->columns);
      }
    }
    const i64 size = shape_->size();
    program_.columns = row > 0 ? row : size;
    program_.rows = size / program_.columns;
    program_.piece_columns = std::min(program_.columns, kPiece);
    program_.piece_rows = std::max<i64>(1, kPiece / std::max<i64>(program_.columns, 1));
    program_.piece_rows = std::min(program_.piece_rows, program_.rows);
    return size > 0;
  }

  Operand input(std::size_t index) const {
    const Shape& shape = body_.inputs[index].shape();
    const Way reach = shape.size() == program_.rows * program_.columns ? Way::whole
                      : shape.size() == 1                              ? Way::number
                                                                       : Way::row;
    return {Where::input, index, reach, 0, 0};
  }

  Operand take_own() {
    if (free_.empty()) return {Where::own, program_.own++, Way::whole, 0, 0};
    const std::size_t index = free_.back();
    free_.pop_back();
    return {Where::own, index, Way::whole, 0, 0};
  }

  void copy(const Operand& from, const Operand& to) {
    Instruction<T> instruction;
    instruction.a = from;
    instruction.result = to;
    instruction.by_rows = from.reach == Way::part || to.reach == Way::part;
    program_.instructions.push_back(instruction);
    ++program_.weight;
  }

  bool add(const Node& node) {
    if (const auto begin = last_axis_slice(node)) {
      const auto source = places_.find(node.input(0).node().get());
      if (source == places_.end() || source->second.where != Where::input) return false;
      const Operand part{Where::input, source->second.index, Way::part, *begin, node.input(0).shape()[-1]};
      const auto wanted = results_.find(&node);
      if (wanted != results_.end()) {
        for (const Operand& result : wanted->second) copy(part, result);
      }
      places_[&node] = part;
      return true;
    }
    Instruction<T> instruction;
    if (!choose_kernel(node, instruction)) return false;
    instruction.a = places_.at(node.input(0).node().get());
    if (node.inputs().size() > 1) {
      instruction.b = places_.at(node.input(1).node().get());
      const bool commutes = node.is(kAdd) || node.is(kMultiply);
      if (commutes && instruction.a.reach == Way::row) std::swap(instruction.a, instruction.b);
      const bool whole = instruction.a.reach != Way::number || instruction.b.reach != Way::number;
      if (!whole) return false;
    }
    // Where it goes: to the first place that wants it, and is copied from there to the others.
    const auto wanted = results_.find(&node);
    std::vector<Operand> places = wanted == results_.end() ? std::vector<Operand>{} : wanted->second;
    if (places.empty()) {
      instruction.result = take_own();
    } else {
      instruction.result = places.front();
      places.erase(places.begin());
    }
    instruction.by_rows = instruction.a.reach == Way::part || instruction.b.reach == Way::part ||
                          instruction.result.reach == Way::part || instruction.a.reach == Way::row;
    program_.instructions.push_back(instruction);
    for (const Operand& place : places) copy(instruction.result, place);
    places_[&node] = instruction.result;
    for (std::size_t i = 0; i < node.inputs().size(); ++i) release(*node.input(static_cast<int>(i)).node(), node);
    if (!last_use_.contains(&node) && instruction.result.where == Where::own) free_.push_back(instruction.result.index);
    return true;
  }

  // After its last use an operand's memory is free.
  void release(const Node& operand, const Node& user) {
    const auto last = last_use_.find(&operand);
    if (last == last_use_.end() || last->second != &user) return;
    const auto place = places_.find(&operand);
    if (place == places_.end() || place->second.where != Where::own) return;
    free_.push_back(place->second.index);
    last_use_.erase(last);  // an operand that is used twice is freed once
  }

  // Results may lie in the memory of operands (core/compiler/place.cpp): what is computed while operands are still to
  // be read waits in memory of the thread's own.
  void write_last() {
    auto& all = program_.instructions;
    const auto reads = [](const Operand& o) { return o.where == Where::input && o.reach == Way::whole; };
    std::size_t last = 0;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (reads(all[i].a) || ((all[i].two || all[i].from_result) && reads(all[i].b))) last = i;
    }
    for (std::size_t i = 0; i < last; ++i) {
      if (all[i].result.where != Where::output || all[i].result.reach != Way::whole) continue;
      const Operand result = all[i].result, own{Where::own, program_.own++, Way::whole, 0, 0};
      const auto move = [&](Operand& o) {
        if (o.where == Where::output && o.index == result.index) o = own;
      };
      all[i].result = own;
      for (std::size_t later = i + 1; later < all.size(); ++later) {
        move(all[later].a);
        move(all[later].b);
      }
      for (RowSum& sum : program_.sums) move(sum.from);
      copy(own, result);
    }
  }

  bool choose_kernel(const Node& node, Instruction<T>& instruction) {
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
    const auto& kernels = float_kernels<T>();
    const OpDef* op = &node.op();
    if (node.outputs()[0].dtype != dtype_of<T>) return false;
    if (const auto found = unary.find(op); found != unary.end()) {
      instruction.kind = Instruction<T>::unary;
      instruction.one = kernels.unary[static_cast<int>(found->second)];
      const bool light = node.is(kNegative) || node.is(kAbs) || node.is(kSquare) || node.is(kRelu);
      program_.weight += light ? 1 : kHeavy;
      return instruction.one != nullptr;
    }
    if (const auto found = binary.find(op); found != binary.end()) {
      instruction.kind = Instruction<T>::binary;
      instruction.two = kernels.binary[static_cast<int>(found->second)];
      program_.weight += node.is(kDivide) || node.is(kPower) ? kHeavy : 1;
      return instruction.two != nullptr;
    }
    instruction.kind = Instruction<T>::gradient;
    instruction.from_result = node.is(kReluGrad)      ? kernels.relu_gradient
                              : node.is(kSigmoidGrad) ? kernels.sigmoid_gradient
                              : node.is(kTanhGrad)    ? kernels.tanh_gradient
                                                      : nullptr;
    ++program_.weight;
    return instruction.from_result != nullptr;
  }

  const ScanBody& body_;
  const Shape* shape_ = nullptr;
  FusedProgram<T> program_;
  std::unordered_map<const Node*, Operand> places_;
  std::unordered_map<const Node*, std::vector<Operand>> results_;  // where outputs want a value
  std::unordered_map<const Node*, const Node*> last_use_;
  std::vector<std::size_t> free_;
};

KernelPtr prepare_fused(const OpCall& call) {
  const auto* attrs = call.attributes<FusedElementwiseAttrs>();
  if (!attrs || call.in.size() != attrs->body->inputs.size() || call.out.size() != attrs->body->outputs.size()) {
    return nullptr;
  }
  return for_float(call.out[0].dtype, [&]<class T>() -> KernelPtr {
    std::optional<FusedProgram<T>> built = Builder<T>(*attrs->body).build();
    if (!built) return nullptr;
    const FusedProgram<T> program = std::move(*built);
    const i64 piece = program.piece_rows * program.piece_columns;
    const i64 wide = ceil_div(program.columns, program.piece_columns);
    const i64 count = ceil_div(program.rows, program.piece_rows) * wide;
    i64 grain = std::max<i64>(1, kGrainLight / std::max<i64>(1, program.weight * piece));
    if (!program.sums.empty()) grain = std::max(grain, count / kMostTotals);
    const Range pieces(count, grain);
    const i64 slots = std::min<i64>(pieces.chunks, num_threads());
    // Of a thread: its pieces, and one more for sums. Of a chunk: its sums.
    const i64 element = static_cast<i64>(sizeof(T)), sums = static_cast<i64>(program.sums.size()) * program.columns;
    const i64 bytes = round_up((static_cast<i64>(program.own) + 1) * piece * element, kSlotAlignment);
    const i64 total_bytes = round_up(sums * element, kSlotAlignment);
    const std::string text =
        describe(std::to_string(program.instructions.size() + program.sums.size()) + " elementwise at once",
                 dtype_of<T>, pieces.chunks);
    const auto& kernels = float_kernels<T>();
    return make_kernel(
        text, static_cast<std::size_t>(slots * bytes + pieces.chunks * total_bytes),
        [=, fill = kernels.fill, add = kernels.add_scaled](const void* const* in, void* const* out, void* workspace) {
          auto* totals = as<std::byte>(workspace) + slots * bytes;
          const auto total_of = [&](i64 chunk) { return reinterpret_cast<T*>(totals + chunk * total_bytes); };
          parallel_with_slots(pieces.chunks, slots, [&](i64 chunk, i64 slot) {
            T* memory = reinterpret_cast<T*>(as<std::byte>(workspace) + slot * bytes);
            if (sums > 0) fill(T{0}, total_of(chunk), sums);
            for (i64 p = pieces.begin(chunk); p < pieces.end(chunk); ++p) {
              const i64 row = p / wide * program.piece_rows, column = p % wide * program.piece_columns;
              const Piece at{row, column, std::min(program.piece_rows, program.rows - row),
                             std::min(program.piece_columns, program.columns - column)};
              if (sums > 0) program.add_rows(true, at, in, out, memory, total_of(chunk));
              program.run(at, in, out, memory);
              if (sums > 0) program.add_rows(false, at, in, out, memory, total_of(chunk));
            }
          });
          if (sums == 0) return;
          for (i64 chunk = 1; chunk < pieces.chunks; ++chunk) add(T{1}, total_of(chunk), total_of(0), sums);
          for (std::size_t s = 0; s < program.sums.size(); ++s) {
            const T* from = total_of(0) + static_cast<i64>(s) * program.columns;
            T* to = as<T>(out[program.sums[s].output]);
            const T factor = static_cast<T>(program.sums[s].factor);
            for (i64 i = 0; i < program.columns; ++i) to[i] = from[i] * factor;
          }
        });
  });
}

}  // namespace

void register_fused_elementwise(KernelTable& table) { table.add(kFusedElementwise.name, prepare_fused); }

}  // namespace keratin::cpu
