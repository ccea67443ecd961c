#include "keratin/backends/cuda/device/fused.h"

#include <algorithm>

#include "keratin/backends/cuda/device/math.h"
#include "keratin/backends/cuda/device/typed.h"
#include "keratin/backends/cuda/device/vector.h"

namespace keratin::cuda {
namespace {

// So many elements are worth fewer threads, which take a pack each.
constexpr i64 kPackedSize = i64{1} << 18;

template <class T, int width>
struct Values {
  T at[width];
};

template <class V, class F>
KERATIN_HOST_DEVICE void each(const V& a, V& y, F f) {
  for (int i = 0; i < static_cast<int>(sizeof y.at / sizeof y.at[0]); ++i) y.at[i] = f(a.at[i]);
}
template <class V, class F>
KERATIN_HOST_DEVICE void each(const V& a, const V& b, V& y, F f) {
  for (int i = 0; i < static_cast<int>(sizeof y.at / sizeof y.at[0]); ++i) y.at[i] = f(a.at[i], b.at[i]);
}

template <class V>
KERATIN_HOST_DEVICE void unary_of(Unary op, const V& x, V& y) {
  switch (op) {
    case Unary::negative: return each(x, y, math::Negative());
    case Unary::abs: return each(x, y, math::Abs());
    case Unary::square: return each(x, y, math::Square());
    case Unary::sign: return each(x, y, math::Sign());
    case Unary::sqrt: return each(x, y, math::Sqrt());
    case Unary::rsqrt: return each(x, y, math::Rsqrt());
    case Unary::reciprocal: return each(x, y, math::Reciprocal());
    case Unary::exp: return each(x, y, math::Exp());
    case Unary::expm1: return each(x, y, math::Expm1());
    case Unary::log: return each(x, y, math::Log());
    case Unary::log1p: return each(x, y, math::Log1p());
    case Unary::sin: return each(x, y, math::Sin());
    case Unary::cos: return each(x, y, math::Cos());
    case Unary::tanh: return each(x, y, math::Tanh());
    case Unary::sigmoid: return each(x, y, math::Sigmoid());
    case Unary::softplus: return each(x, y, math::Softplus());
    case Unary::erf: return each(x, y, math::Erf());
    case Unary::arctan: return each(x, y, math::Arctan());
    case Unary::relu: return each(x, y, math::Relu());
    case Unary::floor: return each(x, y, math::Floor());
    case Unary::ceil: return each(x, y, math::Ceil());
    case Unary::round: return each(x, y, math::Round());
  }
}

template <class V>
KERATIN_HOST_DEVICE void binary_of(Binary op, const V& a, const V& b, V& y) {
  switch (op) {
    case Binary::add: return each(a, b, y, math::Add());
    case Binary::subtract: return each(a, b, y, math::Subtract());
    case Binary::multiply: return each(a, b, y, math::Multiply());
    case Binary::maximum: return each(a, b, y, math::Maximum());
    case Binary::minimum: return each(a, b, y, math::Minimum());
    case Binary::divide: return each(a, b, y, math::Divide());
    case Binary::power: return each(a, b, y, math::Power());
  }
}

template <class V>
KERATIN_HOST_DEVICE void gradient_of(Gradient op, const V& dy, const V& y, V& dx) {
  switch (op) {
    case Gradient::relu: return each(dy, y, dx, math::ReluGrad());
    case Gradient::sigmoid: return each(dy, y, dx, math::SigmoidGrad());
    case Gradient::tanh: return each(dy, y, dx, math::TanhGrad());
  }
}

// A thread for `width` columns of a block of rows.
template <class T, int width>
struct RunFused {
  using V = Values<T, width>;
  FusedProgram program;

  KERATIN_HOST_DEVICE V read(FusedSource from, const V* registers, i64 row, i64 column) const {
    if (from >= kFusedRegister) return registers[from - kFusedRegister];
    const FusedProgram::Operand& operand = program.operand[from];
    const T* x = static_cast<const T*>(operand.x) + row * operand.stride;
    V value;
    if (!operand.along) {
      const T one = *x;
      for (int i = 0; i < width; ++i) value.at[i] = one;
    } else if constexpr (width == kPack) {
      const Pack<T> pack = load_pack(x + column);
      for (int i = 0; i < width; ++i) value.at[i] = pack.at[i];
    } else {
      for (int i = 0; i < width; ++i) value.at[i] = x[column + i];
    }
    return value;
  }

  KERATIN_HOST_DEVICE void choose(FusedSource condition, i64 row, i64 column, const V& a, const V& b, V& y) const {
    const FusedProgram::Operand& operand = program.operand[condition];
    const auto* c = static_cast<const std::uint8_t*>(operand.x) + row * operand.stride;
    for (int i = 0; i < width; ++i) y.at[i] = c[operand.along ? column + i : 0] ? a.at[i] : b.at[i];
  }

  KERATIN_HOST_DEVICE void operator()(i64 thread) const {
    const i64 packs_of_row = quotient(program.columns, width);
    const i64 block = quotient(thread, packs_of_row), column = (thread - block * packs_of_row) * width;
    const i64 first = block * program.block_rows;
    const i64 end = first + program.block_rows < program.rows ? first + program.block_rows : program.rows;
    V registers[FusedProgram::kMaxRegisters];
    V total[FusedProgram::kMaxSums];
    for (int s = 0; s < program.sums; ++s) {
      for (int i = 0; i < width; ++i) total[s].at[i] = T{0};
    }
    for (i64 row = first; row < end; ++row) {
      for (int k = 0; k < program.instructions; ++k) {
        const FusedInstruction instruction = program.instruction[k];
        const V a = read(instruction.a, registers, row, column);
        V result;
        if (instruction.kind == FusedKind::unary) {
          unary_of(static_cast<Unary>(instruction.op), a, result);
        } else {
          const V b = read(instruction.b, registers, row, column);
          if (instruction.kind == FusedKind::select) {
            choose(instruction.condition, row, column, a, b, result);
          } else if (instruction.kind == FusedKind::binary) {
            binary_of(static_cast<Binary>(instruction.op), a, b, result);
          } else {
            gradient_of(static_cast<Gradient>(instruction.op), a, b, result);
          }
        }
        registers[instruction.to] = result;
      }
      // Sums may read operands in whose memory a result lies.
      for (int s = 0; s < program.sums; ++s) {
        const V value = read(program.sum[s].from, registers, row, column);
        for (int i = 0; i < width; ++i) total[s].at[i] = math::Add()(total[s].at[i], value.at[i]);
      }
      for (int r = 0; r < program.results; ++r) {
        const FusedProgram::Result& result = program.result[r];
        write(static_cast<T*>(result.y) + row * result.stride + column, read(result.from, registers, row, column));
      }
    }
    for (int s = 0; s < program.sums; ++s) {
      write(static_cast<T*>(program.sum[s].y) + block * program.columns + column, total[s]);
    }
  }

  static KERATIN_HOST_DEVICE void write(T* y, const V& value) {
    if constexpr (width == kPack) {
      Pack<T> pack;
      for (int i = 0; i < width; ++i) pack.at[i] = value.at[i];
      store_pack(y, pack);
    } else {
      for (int i = 0; i < width; ++i) y[i] = value.at[i];
    }
  }
};
static_assert(sizeof(RunFused<double, 1>) + sizeof(i64) <= 4096);  // with their number, the parameters of a kernel

bool can_take_packs(const FusedProgram& p) {
  const auto fits = [](const void* memory, i64 stride) {
    return holds_packs(static_cast<const float*>(memory)) && stride % kPack == 0;
  };
  if (p.columns % kPack != 0 || p.rows * p.columns < kPackedSize) return false;
  return std::all_of(p.operand, p.operand + p.operands,
                     [&](const auto& operand) { return !operand.along || fits(operand.x, operand.stride); }) &&
         std::all_of(p.result, p.result + p.results, [&](const auto& result) { return fits(result.y, result.stride); });
}

}  // namespace

void run_fused(Stream stream, DType dtype, const FusedProgram& program) {
  const i64 threads = program.blocks() * program.columns;
  if (dtype == DType::float64) return for_each(stream, threads, RunFused<double, 1>{program});
  if (can_take_packs(program)) return for_each(stream, threads / kPack, RunFused<float, kPack>{program});
  for_each(stream, threads, RunFused<float, 1>{program});
}

}  // namespace keratin::cuda
