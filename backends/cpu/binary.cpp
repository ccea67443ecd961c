// Binary element-wise ops with broadcasting: the vector kernels take the inner run, an odometer the outer axes.
#include "keratin/backends/cpu/strided.h"
#include "keratin/backends/cpu/typed.h"
#include "keratin/core/ops/elementwise.h"

namespace keratin::cpu {
namespace {

template <class T, class Y>
using BinaryFn = void (*)(Layout, const T* a, const T* b, Y* y, i64 n, i64 k);

// How two operands meet in a result: kernel calls of `run` elements for each row of the outer loop.
struct Meeting {
  OuterLoop outer;
  i64 run = 1, k = 1;
  Layout layout = Layout::same;
  bool swap = false;  // the kernel's a is the op's b
  RowSplit split;
};

// Operand strides are at [0] and [1].
std::optional<Meeting> meet(const OpCall& call, bool commutative, i64 grain) {
  const Shape& result = call.out[0].shape;
  const auto a = broadcast_strides(call.in[0].shape, result), b = broadcast_strides(call.in[1].shape, result);
  if (!a || !b) return std::nullopt;
  std::vector<StridedAxis> axes = join_axes(result, {*a, *b});
  Meeting m;
  if (!axes.empty()) {
    const StridedAxis inner = axes.back();
    axes.pop_back();
    m.run = m.k = inner.size;
    // An axis that neither operand has could only be of size 1.
    if (inner.stride[0] == 0 && inner.stride[1] == 0) return std::nullopt;
    m.layout = inner.stride[1] == 0 ? Layout::scalar_right : inner.stride[0] == 0 ? Layout::scalar_left : Layout::same;
    if (m.layout == Layout::same && !axes.empty()) {
      const auto& [size, stride] = axes.back();
      const bool right = stride[0] == m.k && stride[1] == 0, left = stride[1] == m.k && stride[0] == 0;
      if (right || (left && commutative)) {
        m.layout = Layout::row_right;
        m.swap = left;
        m.run = size * m.k;
        axes.pop_back();
      }
    }
  }
  const auto outer = outer_loop(axes);
  if (!outer) return std::nullopt;
  m.outer = *outer;
  m.split = RowSplit(outer->rows, m.run, grain, m.layout == Layout::row_right ? m.k : 1);
  return m;
}

template <class T, class Y>
KernelPtr binary_kernel(const OpCall& call, bool commutative, i64 grain, BinaryFn<T, Y> f) {
  const auto meeting = meet(call, commutative, grain);
  if (!meeting || !f) return nullptr;
  const Meeting m = *meeting;
  const std::size_t left = m.swap ? 1 : 0, right = 1 - left;
  const i64 step_left = m.layout == Layout::scalar_left ? 0 : 1;
  const i64 step_right = m.layout == Layout::scalar_right || m.layout == Layout::row_right ? 0 : 1;
  const std::string text = describe("elementwise", call.in[0].dtype, m.split.rows.chunks * m.split.pieces.chunks);
  if (m.outer.rows == 1) {
    return make_kernel(text, [=, range = m.split.pieces](const void* const* in, void* const* out) {
      range.run([&](i64 i, i64 end) {
        f(m.layout, as<T>(in[left]) + i * step_left, as<T>(in[right]) + i * step_right, as<Y>(out[0]) + i, end - i,
          m.k);
      });
    });
  }
  return make_kernel(text + ", rows of " + std::to_string(m.run), [=](const void* const* in, void* const* out) {
    m.split.run([&](i64 row, i64 row_end, i64 i, i64 end) {
      OuterLoop::Position at = m.outer.at(row);
      for (; row < row_end; ++row, m.outer.advance(at)) {
        f(m.layout, as<T>(in[left]) + at.offset[left] + i * step_left,
          as<T>(in[right]) + at.offset[right] + i * step_right, as<Y>(out[0]) + row * m.run + i, end - i, m.k);
      }
    });
  });
}

// For the dtypes that have no vector kernels.
template <class T, class Y, class F>
void plain_binary(Layout layout, const T* a, const T* b, Y* y, i64 n, i64 k) {
  constexpr F f;
  switch (layout) {
    case Layout::same:
      for (i64 i = 0; i < n; ++i) y[i] = f(a[i], b[i]);
      break;
    case Layout::scalar_right:
      for (i64 i = 0; i < n; ++i) y[i] = f(a[i], *b);
      break;
    case Layout::scalar_left:
      for (i64 i = 0; i < n; ++i) y[i] = f(*a, b[i]);
      break;
    case Layout::row_right:
      for (i64 row = 0; row < n; row += k) {
        for (i64 i = 0; i < k; ++i) y[row + i] = f(a[row + i], b[i]);
      }
      break;
  }
}

using Byte = std::uint8_t;
template <Binary f>
struct ByteArithmetic {
  constexpr Byte operator()(Byte a, Byte b) const {
    if constexpr (f == Binary::add) return static_cast<Byte>(a + b);
    if constexpr (f == Binary::subtract) return static_cast<Byte>(a - b);
    if constexpr (f == Binary::multiply) return static_cast<Byte>(a * b);
    if constexpr (f == Binary::maximum) return a > b ? a : b;
    if constexpr (f == Binary::minimum) return a < b ? a : b;
    return 0;
  }
};
template <Compare f>
struct ByteComparison {
  constexpr Byte operator()(Byte a, Byte b) const {
    if constexpr (f == Compare::equal) return a == b;
    if constexpr (f == Compare::not_equal) return a != b;
    if constexpr (f == Compare::less) return a < b;
    if constexpr (f == Compare::less_equal) return a <= b;
    if constexpr (f == Compare::greater) return a > b;
    return a >= b;
  }
};
struct And {
  constexpr Byte operator()(Byte a, Byte b) const { return a && b; }
};
struct Or {
  constexpr Byte operator()(Byte a, Byte b) const { return a || b; }
};

template <Binary f>
KernelPtr prepare_binary(const OpCall& call) {
  constexpr bool commutative = f == Binary::add || f == Binary::multiply;
  constexpr bool floating_only = f == Binary::divide || f == Binary::power;
  constexpr i64 grain = floating_only ? kGrainHeavy : kGrainLight;
  constexpr int index = static_cast<int>(f);
  if (!call.has(2) || call.in[0].dtype != call.in[1].dtype || call.in[0].dtype != call.out[0].dtype) return nullptr;
  switch (call.in[0].dtype) {
    case DType::float32: return binary_kernel(call, commutative, grain, simd().f32.binary[index]);
    case DType::float64: return binary_kernel(call, commutative, grain, simd().f64.binary[index]);
    case DType::int32:
      return floating_only ? nullptr : binary_kernel(call, commutative, grain, simd().i32.binary[index]);
    case DType::int64:
      return floating_only ? nullptr : binary_kernel(call, commutative, grain, simd().i64s.binary[index]);
    case DType::uint8:
      return floating_only ? nullptr
                           : binary_kernel(call, commutative, grain, plain_binary<Byte, Byte, ByteArithmetic<f>>);
    case DType::boolean: break;
  }
  return nullptr;
}

template <Compare f>
KernelPtr prepare_comparison(const OpCall& call) {
  constexpr bool commutative = f == Compare::equal || f == Compare::not_equal;
  constexpr int index = static_cast<int>(f);
  if (!call.has(2) || call.in[0].dtype != call.in[1].dtype || call.out[0].dtype != DType::boolean) return nullptr;
  switch (call.in[0].dtype) {
    case DType::float32: return binary_kernel(call, commutative, kGrainLight, simd().f32.compare[index]);
    case DType::float64: return binary_kernel(call, commutative, kGrainLight, simd().f64.compare[index]);
    case DType::int32: return binary_kernel(call, commutative, kGrainLight, simd().i32.compare[index]);
    case DType::int64: return binary_kernel(call, commutative, kGrainLight, simd().i64s.compare[index]);
    case DType::uint8:
    case DType::boolean: break;
  }
  return binary_kernel(call, commutative, kGrainLight, plain_binary<Byte, Byte, ByteComparison<f>>);
}

template <class F>
KernelPtr prepare_logical(const OpCall& call) {
  if (!call.has(2)) return nullptr;
  for (const DType dtype : {call.in[0].dtype, call.in[1].dtype, call.out[0].dtype}) {
    if (dtype != DType::boolean) return nullptr;
  }
  return binary_kernel(call, true, kGrainLight, plain_binary<Byte, Byte, F>);
}

}  // namespace

void register_binary(KernelTable& table) {
  table.add(kAdd.name, prepare_binary<Binary::add>);
  table.add(kSubtract.name, prepare_binary<Binary::subtract>);
  table.add(kMultiply.name, prepare_binary<Binary::multiply>);
  table.add(kDivide.name, prepare_binary<Binary::divide>);
  table.add(kPower.name, prepare_binary<Binary::power>);
  table.add(kMaximum.name, prepare_binary<Binary::maximum>);
  table.add(kMinimum.name, prepare_binary<Binary::minimum>);
  table.add(kEqual.name, prepare_comparison<Compare::equal>);
  table.add(kNotEqual.name, prepare_comparison<Compare::not_equal>);
  table.add(kLess.name, prepare_comparison<Compare::less>);
  table.add(kLessEqual.name, prepare_comparison<Compare::less_equal>);
  table.add(kGreater.name, prepare_comparison<Compare::greater>);
  table.add(kGreaterEqual.name, prepare_comparison<Compare::greater_equal>);
  table.add(kLogicalAnd.name, prepare_logical<And>);
  table.add(kLogicalOr.name, prepare_logical<Or>);
}

}  // namespace keratin::cpu
