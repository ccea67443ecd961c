#include "keratin/backends/cuda/device/tape.h"

#include "keratin/backends/cuda/device/math.h"
#include "keratin/core/ops/gather.h"

namespace keratin::cuda {
namespace {

template <class T>
KERATIN_HOST_DEVICE T unary_of(Unary op, T x) {
  switch (op) {
    case Unary::negative: return math::Negative()(x);
    case Unary::square: return math::Square()(x);
    case Unary::sqrt: return math::Sqrt()(x);
    case Unary::rsqrt: return math::Rsqrt()(x);
    case Unary::reciprocal: return math::Reciprocal()(x);
    case Unary::exp: return math::Exp()(x);
    case Unary::cos: return math::Cos()(x);
    default: return math::Floor()(x);
  }
}
KERATIN_HOST_DEVICE bool has_unary(Unary op) {
  switch (op) {
    case Unary::negative:
    case Unary::square:
    case Unary::sqrt:
    case Unary::rsqrt:
    case Unary::reciprocal:
    case Unary::exp:
    case Unary::cos:
    case Unary::floor: return true;
    default: return false;
  }
}

template <class T>
KERATIN_HOST_DEVICE T binary_of(Binary op, T a, T b) {
  switch (op) {
    case Binary::add: return math::Add()(a, b);
    case Binary::subtract: return math::Subtract()(a, b);
    case Binary::multiply: return math::Multiply()(a, b);
    case Binary::maximum: return math::Maximum()(a, b);
    case Binary::minimum: return math::Minimum()(a, b);
    case Binary::divide:
    case Binary::power: break;
  }
  if constexpr (math::kFloating<T>) return op == Binary::divide ? math::Divide()(a, b) : math::Power()(a, b);
  return T{};
}

template <class T>
KERATIN_HOST_DEVICE T element(const TapeStep& s, int operand, i64 i) {
  return static_cast<const T*>(s.in[operand])[s.single[operand] ? 0 : i];
}

template <class T>
KERATIN_HOST_DEVICE void run_binary(const TapeStep& s, i64 i) {
  static_cast<T*>(s.out)[i] = binary_of(static_cast<Binary>(s.op), element<T>(s, 0, i), element<T>(s, 1, i));
}
template <class T>
KERATIN_HOST_DEVICE void run_copy(const TapeStep& s, i64 i) {
  static_cast<T*>(s.out)[i] = element<T>(s, 0, i);
}

KERATIN_HOST_DEVICE void run_step(const TapeStep& s, i64 i) {
  switch (s.kind) {
    case TapeKind::copy:
      switch (size_of(s.from)) {
        case 1: return run_copy<std::uint8_t>(s, i);
        case 4: return run_copy<std::uint32_t>(s, i);
        default: return run_copy<std::uint64_t>(s, i);
      }
    case TapeKind::convert:
      static_cast<float*>(s.out)[i] = s.from == DType::int64   ? static_cast<float>(element<i64>(s, 0, i))
                                      : s.from == DType::int32 ? static_cast<float>(element<std::int32_t>(s, 0, i))
                                                               : static_cast<float>(element<std::uint8_t>(s, 0, i));
      return;
    case TapeKind::unary:
      static_cast<float*>(s.out)[i] = unary_of(static_cast<Unary>(s.op), element<float>(s, 0, i));
      return;
    case TapeKind::binary: return s.from == DType::int64 ? run_binary<i64>(s, i) : run_binary<float>(s, i);
    case TapeKind::advance:
      static_cast<i64*>(s.out)[i] = element<i64>(s, 0, i) + (i == kCursorPosition ? s.number : 0);
      return;
  }
}

struct RunTape {
  Tape tape;
  template <class Team>
  KERATIN_HOST_DEVICE void operator()(const Team& team, i64) const {
    for (int step = 0; step < tape.count; ++step) {
      for (i64 i = team.rank(); i < tape.steps[step].n; i += team.size()) run_step(tape.steps[step], i);
      team.synchronize();  // the next step may read what this one wrote
    }
  }
};
static_assert(sizeof(RunTape) + sizeof(i64) <= 4096);  // with their number, the parameters of a kernel

}  // namespace

bool fits_tape(const TapeStep& step) {
  if (step.n > Tape::kMaxElements) return false;
  switch (step.kind) {
    case TapeKind::copy:
    case TapeKind::advance: return true;
    case TapeKind::convert: return step.to == DType::float32 && !is_floating(step.from);
    case TapeKind::unary: return step.from == DType::float32 && has_unary(static_cast<Unary>(step.op));
    case TapeKind::binary:
      return step.from == DType::float32 ||
             (step.from == DType::int64 && static_cast<Binary>(step.op) < Binary::divide);
  }
  return false;
}

void run_tape(Stream stream, const Tape& tape) {
  for_each_team(stream, tape.count > 0 ? 1 : 0, Tape::kMaxElements, RunTape{tape});
}

}  // namespace keratin::cuda
