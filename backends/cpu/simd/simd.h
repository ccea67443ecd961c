// The CPU's compute kernels as one table of function pointers; every instruction set fills its own.
// Raw pointers, row-major, NHWC images and HWIO filters. Kernels run in the calling thread, allocate nothing and never
// throw; most work on a range, so that the caller can split the work. Pointers need only the alignment of their
// element.
#pragma once

#include <cstddef>
#include <cstdint>

#include "keratin/core/ops/detail/window_shape.h"
#include "keratin/core/tensor/dtype.h"

namespace keratin::cpu {

using i64 = std::int64_t;

enum class Unary : int {
  negative,
  abs,
  square,
  sqrt,
  rsqrt,
  reciprocal,
  exp,
  expm1,
  log,
  log1p,
  tanh,
  sigmoid,
  relu,
  softplus,
  erf,
  arctan,
  sin,
  cos,
  floor,
  ceil,
  round,  // half to even
  sign,   // sign(0) = 0, sign(NaN) = NaN
  count
};
enum class Binary : int { add, subtract, multiply, divide, power, maximum, minimum, count };
enum class Compare : int { equal, not_equal, less, less_equal, greater, greater_equal, count };
enum class Reduction : int { sum, mean, max, min, prod, count };
enum class Activation : int { none, relu };

// How the operands of a binary kernel meet: two arrays of n elements; an array and one scalar; or an array of n
// elements and a row of k elements that is repeated (n is a multiple of k, the range begins with a row).
enum class Layout : int { same, scalar_right, scalar_left, row_right };

// C(m, n) = A(m, k)·B(k, n), or += with `accumulate`. With trans_a, A is stored as (k, m); with trans_b, B as (n, k).
// lda, ldb and ldc are the distances between stored rows. k = 0 gives zeros.
struct GemmShape {
  i64 m = 0, n = 0, k = 0;
  i64 lda = 0, ldb = 0, ldc = 0;
  bool trans_a = false, trans_b = false;
  bool accumulate = false;
  bool packed_b = false;  // b is what gemm_pack made of it, for exactly these n, k, ldb and trans_b
  // The same bits for any number of rows; otherwise one or two times a transposed B may be added up in another order.
  bool any_rows = false;
  // The L1 cache has fewer ways than a tile has rows: rows of A that compete for them are copied first.
  bool few_ways = false;
};

// What is done with a convolution's result: activation((y + bias)·scale + shift + more). Null stands for without;
// `more` lies as y does, the others have an element for each filter. `scale` and `shift` come together.
template <class T>
struct ConvFinish {
  const T *bias = nullptr, *scale = nullptr, *shift = nullptr, *more = nullptr;
  Activation activation = Activation::none;
};

// x is seen as (outer, reduce, inner); the range is `inner` columns out of rows of `stride` elements (stride == inner
// for the whole), so a caller may split both outer and inner: x[(o·reduce + r)·stride + i], y[o·stride + i].
struct ReduceShape {
  i64 outer = 1, reduce = 1, inner = 1, stride = 1;
};

// Scalars of one update step; formulas as in Keras 3.
struct SgdStep {
  double learning_rate = 0.01, momentum = 0.0;
  bool nesterov = false;
  double decay = 0.0;  // decoupled weight decay: w -= w·decay·learning_rate before the update
};
struct AdamStep {
  double alpha = 0.001;  // learning_rate·sqrt(1 − beta_2^t) / (1 − beta_1^t)
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  double decay = 0.0;  // already multiplied by the learning rate: w -= w·decay before the update
};
struct RmspropStep {
  double learning_rate = 0.001, rho = 0.9, momentum = 0.0, epsilon = 1e-7;
  double decay = 0.0;  // w -= w·decay·learning_rate before the update
};

// Kernels on one floating type.
template <class T>
struct FloatKernels {
  // Bytes of workspace that `gemm` needs for this shape, enough for any product that is smaller in m, n and k.
  std::size_t (*gemm_workspace)(const GemmShape&);
  // `bias` (n elements, or null) and the activation are applied to C after the product. How the rows and columns of C
  // are split into calls does not change a bit, except for calls of one or two rows with trans_b.
  void (*gemm)(const GemmShape&, const T* a, const T* b, T* c, const T* bias, Activation, void* workspace);
  // B as the register tiles read it, for many products with it; 0 bytes when that does not help.
  std::size_t (*gemm_packed_bytes)(const GemmShape&);
  void (*gemm_pack)(const GemmShape&, const T* b, T* packed);
  // The same by Eigen: what `gemm` is measured against. Splitting may change the last bits.
  void (*gemm_eigen)(const GemmShape&, const T* a, const T* b, T* c, const T* bias, Activation, void* workspace);

  // Bytes of workspace for any of the three convolutions below, whatever the image range.
  std::size_t (*conv_workspace)(const WindowShape&);
  // y of the images [n0, n1); bias (f elements) may be null.
  void (*conv_forward)(const WindowShape&, i64 n0, i64 n1, const T* x, const T* kernel, const T* bias, Activation, T* y,
                       void* workspace);
  // The same, and what follows the convolution; and that alone, for y of rows of f elements.
  void (*conv_forward_finish)(const WindowShape&, i64 n0, i64 n1, const T* x, const T* kernel, const ConvFinish<T>&,
                              T* y, void* workspace);
  void (*conv_finish)(const ConvFinish<T>&, i64 rows, i64 f, T* y);
  // Both with the filters as conv_pack made them; conv_packed_bytes is 0 for shapes that are not computed so.
  std::size_t (*conv_packed_bytes)(const WindowShape&);
  void (*conv_pack)(const WindowShape&, const T* kernel, T* packed);
  void (*conv_forward_packed)(const WindowShape&, i64 n0, i64 n1, const T* x, const T* packed, const T* bias,
                              Activation, T* y, void* workspace);
  void (*conv_forward_packed_finish)(const WindowShape&, i64 n0, i64 n1, const T* x, const T* packed,
                                     const ConvFinish<T>&, T* y, void* workspace);
  // dx of the images [n0, n1), overwritten.
  void (*conv_input_gradient)(const WindowShape&, i64 n0, i64 n1, const T* dy, const T* kernel, T* dx, void* workspace);
  // Adds the images' [n0, n1) part to dkernel.
  void (*conv_kernel_gradient)(const WindowShape&, i64 n0, i64 n1, const T* x, const T* dy, T* dkernel,
                               void* workspace);

  // Pooling of the images [n0, n1). The average counts only elements inside the image. A window wholly outside the
  // image gives 0 (average) or the lowest value (max).
  void (*max_pool)(const WindowShape&, i64 n0, i64 n1, const T* x, T* y);
  // dx is overwritten; the gradient goes to the first maximum in window order.
  void (*max_pool_gradient)(const WindowShape&, i64 n0, i64 n1, const T* x, const T* y, const T* dy, T* dx);
  // The maximum and which tap of its window it is (row-major, padding included; windows of at most 255 taps), and the
  // gradient from that.
  void (*max_pool_index)(const WindowShape&, i64 n0, i64 n1, const T* x, T* y, std::uint8_t* index);
  void (*max_pool_index_gradient)(const WindowShape&, i64 n0, i64 n1, const std::uint8_t* index, const T* dy, T* dx);
  void (*average_pool)(const WindowShape&, i64 n0, i64 n1, const T* x, T* y);
  void (*average_pool_gradient)(const WindowShape&, i64 n0, i64 n1, const T* dy, T* dx);

  // Elementwise kernels may work in place (y == x). Any split of the range gives the same bits.
  void (*unary[static_cast<int>(Unary::count)])(const T* x, T* y, i64 n);
  void (*binary[static_cast<int>(Binary::count)])(Layout, const T* a, const T* b, T* y, i64 n, i64 k);
  void (*compare[static_cast<int>(Compare::count)])(Layout, const T* a, const T* b, std::uint8_t* y, i64 n, i64 k);
  // dx = dy·f'(x), from the function's result y.
  void (*relu_gradient)(const T* y, const T* dy, T* dx, i64 n);
  void (*sigmoid_gradient)(const T* y, const T* dy, T* dx, i64 n);
  void (*tanh_gradient)(const T* y, const T* dy, T* dx, i64 n);
  // y = condition ? a : b; the layout tells about a (left) and b (right).
  void (*select)(Layout, const std::uint8_t* condition, const T* a, const T* b, T* y, i64 n, i64 k);
  void (*fill)(T value, T* y, i64 n);
  // y += a·x.
  void (*add_scaled)(T a, const T* x, T* y, i64 n);

  // The order of additions depends on the shape only. An empty reduction gives 0, NaN, −inf, +inf, 1.
  void (*reduce[static_cast<int>(Reduction::count)])(const ReduceShape&, const T* x, T* y);
  // The first maximum of each row; `to` is int32 or int64. cols > 0.
  void (*argmax)(const T* x, i64 rows, i64 cols, DType to, void* y);

  void (*softmax)(const T* x, i64 rows, i64 cols, T* y);
  void (*log_softmax)(const T* x, i64 rows, i64 cols, T* y);
  // Gradients from the results y.
  void (*softmax_gradient)(const T* y, const T* dy, i64 rows, i64 cols, T* dx);
  void (*log_softmax_gradient)(const T* y, const T* dy, i64 rows, i64 cols, T* dx);
  // loss[r] = −log softmax(logits[r])[label[r]]; labels of any integer dtype. A label outside [0, cols) gives NaN.
  void (*sparse_crossentropy)(const T* logits, DType label_dtype, const void* labels, i64 rows, i64 cols, T* loss);
  // dlogits = (softmax(logits) − onehot(label))·scale·(row_scale ? row_scale[r] : 1).
  void (*sparse_crossentropy_gradient)(const T* logits, DType label_dtype, const void* labels, const T* row_scale,
                                       T scale, i64 rows, i64 cols, T* dlogits);

  // y[r] = table[index[r]], for a (vocabulary, dim) table and int32 or int64 indices. A row whose index is outside the
  // table becomes zeros; the result is the number of such rows.
  i64 (*embedding)(const T* table, i64 vocabulary, i64 dim, DType index_dtype, const void* index, i64 rows, T* y);
  // Rows [v0, v1) of the table's gradient: zeroed, then dy[r] added for every r with index[r] in the range, in order.
  void (*embedding_gradient)(const T* dy, i64 dim, DType index_dtype, const void* index, i64 rows, i64 v0, i64 v1,
                             T* dtable);

  // Flat updates of n weights w by gradients g. m is null without momentum.
  void (*sgd)(const SgdStep&, const T* g, T* w, T* m, i64 n);
  // v_hat is null without amsgrad.
  void (*adam)(const AdamStep&, const T* g, T* w, T* m, T* v, T* v_hat, i64 n);
  // momentum is null without momentum, average is null unless centered.
  void (*rmsprop)(const RmspropStep&, const T* g, T* w, T* v, T* momentum, T* average, i64 n);

  // Elements [first, first + n) of a random tensor (numbering of core/tensor/philox.h), uniform in [low, high).
  void (*uniform)(std::uint64_t stream, std::uint64_t step, i64 first, i64 n, T low, T high, T* y);
  // The same numbering; standard normal times `stddev` plus `mean`: elements 2i and 2i+1 come from words 2i and 2i+1.
  void (*normal)(std::uint64_t stream, std::uint64_t step, i64 first, i64 n, T mean, T stddev, T* y);
  // y = x / (1 − rate) where the element's uniform number is >= rate, else 0; the gradient is the same call on dy.
  void (*dropout)(std::uint64_t stream, std::uint64_t step, i64 first, i64 n, T rate, const T* x, T* y);
};

// Kernels on integers (indices, counters, labels).
template <class T>
struct IntKernels {
  // power is absent (null); divide by zero gives 0.
  void (*binary[static_cast<int>(Binary::count)])(Layout, const T* a, const T* b, T* y, i64 n, i64 k);
  void (*compare[static_cast<int>(Compare::count)])(Layout, const T* a, const T* b, std::uint8_t* y, i64 n, i64 k);
  void (*select)(Layout, const std::uint8_t* condition, const T* a, const T* b, T* y, i64 n, i64 k);
  void (*reduce[static_cast<int>(Reduction::count)])(const ReduceShape&, const T* x, T* y);  // mean is absent (null)
};

inline constexpr int kMaxTransposeRank = 8;

struct Simd {
  const char* name;  // "baseline", "avx2", "avx512"
  FloatKernels<float> f32;
  FloatKernels<double> f64;
  IntKernels<std::int32_t> i32;
  IntKernels<i64> i64s;

  // y = (to)(x·scale + offset) for n elements; a plain cast when scale is 1 and offset 0. To bool: x != 0. Out-of-range
  // floating values become the nearest integer of the type, NaN becomes 0.
  void (*convert)(DType from, DType to, const void* x, void* y, i64 n, double scale, double offset);
  // y[i] = convert(x[index[i]]) for rows of `row` elements. Indices are not checked.
  void (*gather_rows)(DType from, DType to, const void* x, const i64* index, i64 rows, i64 row, double scale,
                      double offset, void* y);
  // y = x transposed: y's axis d is x's axis perm[d]. `dims` are x's; rank <= kMaxTransposeRank; element_size 1, 2,
  // 4, 8. Writes the elements [begin, end) of y's first axis.
  void (*transpose)(const void* x, const i64* dims, const int* perm, int rank, int element_size, i64 begin, i64 end,
                    void* y);
};

}  // namespace keratin::cpu
