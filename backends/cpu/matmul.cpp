// Matrix products: blocks of C and batches are spread over the threads.
#include "keratin/core/ops/matmul.h"

#include <unistd.h>

#include <atomic>
#include <type_traits>
#include <vector>

#include "keratin/backends/cpu/bf16.h"
#include "keratin/backends/cpu/strided.h"
#include "keratin/backends/cpu/typed.h"

namespace keratin::cpu {
namespace {

// Multiplications and additions that are worth a thread: some 10 us.
constexpr double kThreadFlops = 2e6;
// Fewer rows or columns than this in a block are not worth a thread either; blocks of columns are multiples of it.
constexpr i64 kFewestRows = 8, kFewestColumns = 32;

// Whether the L1 cache has fewer ways than those that the tiles were measured with, or nobody says how many.
bool few_l1_ways() {
#ifdef _SC_LEVEL1_DCACHE_ASSOC
  constexpr long kMeasured = 12;
  static const bool few = sysconf(_SC_LEVEL1_DCACHE_ASSOC) < kMeasured;
  return few;
#else
  return true;
#endif
}

struct Product {
  i64 m = 0, n = 0, k = 0;
  bool trans_a = false, trans_b = false;
  // The operands of each batch, in matrices; empty for one product.
  std::vector<i64> a_batch, b_batch;
  bool bias = false;
  Activation activation = Activation::none;
  Precision precision = Precision::highest;
  bool packed_b = false;  // in[1] holds B as packed before, a piece for each block of columns
  i64 threads = num_threads();

  i64 batches() const { return a_batch.empty() ? 1 : static_cast<i64>(a_batch.size()); }
};

// The product's sizes; false when the shapes do not fit.
bool read_shapes(const OpCall& call, Product& p) {
  const Shape &a = call.in[0].shape, &b = call.in[1].shape, &c = call.out[0].shape;
  if (a.rank() < 2 || b.rank() < 2 || c.rank() < 2) return false;
  p.m = c[-2];
  p.n = c[-1];
  p.k = a[p.trans_a ? -2 : -1];
  if (a[p.trans_a ? -1 : -2] != p.m || b[p.trans_b ? -2 : -1] != p.n || b[p.trans_b ? -1 : -2] != p.k) return false;
  const Shape batch = c.slice(0, c.rank() - 2);
  const auto a_strides = broadcast_strides(a.slice(0, a.rank() - 2), batch);
  const auto b_strides = broadcast_strides(b.slice(0, b.rank() - 2), batch);
  if (!a_strides || !b_strides) return false;
  const std::vector<StridedAxis> axes = join_axes(batch, {*a_strides, *b_strides});
  if (axes.empty()) return true;
  if (axes.size() == 1 && axes[0].stride[0] == 1 && axes[0].stride[1] == 0 && !p.trans_a) {
    p.m *= axes[0].size;  // all of A's matrices meet one B: a single product over their rows
    return true;
  }
  const auto loop = outer_loop(axes);
  if (!loop) return false;
  OuterLoop::Position at = loop->at(0);
  for (i64 i = 0; i < loop->rows; ++i, loop->advance(at)) {
    p.a_batch.push_back(at.offset[0]);
    p.b_batch.push_back(at.offset[1]);
  }
  // No batches at all: nothing to compute.
  if (loop->rows == 0) p.m = 0;
  return true;
}

// C in a grid of blocks. The kernels give an element the same bits in any block, so the grid may depend on the number
// of threads.
struct Grid {
  i64 rows = 1, columns = 1;  // blocks
  i64 m = 0;
  Range column_range;

  // `by_rows` when more than one column costs too much.
  Grid(i64 m, i64 n, i64 threads, bool by_rows) : m(m) {
    // A block packs its part of B, for all of its rows, and reads its part of A for each panel of its columns: both
    // cost about as much as this many rows or columns of products.
    constexpr double kOverhead = 4;
    double best = 0;
    for (i64 r = 1; r <= threads; ++r) {
      const i64 c = threads / r;
      if ((r > 1 && m / r < kFewestRows) || (c > 1 && (by_rows || n / c < kFewestColumns))) continue;
      const double high = static_cast<double>(ceil_div(m, r)), wide = static_cast<double>(ceil_div(n, c));
      const double cost = (high + kOverhead) * (wide + kOverhead);
      if (best > 0 && cost >= best) continue;
      best = cost;
      rows = r;
      columns = c;
    }
    column_range = Range(n, std::max<i64>(1, ceil_div(n, columns)), kFewestColumns);
    columns = column_range.chunks;
  }
  i64 blocks() const { return rows * columns; }
  i64 row_begin(i64 block) const { return m * (block / columns) / rows; }
  i64 row_end(i64 block) const { return m * (block / columns + 1) / rows; }
  i64 column_begin(i64 block) const { return column_range.begin(block % columns); }
  i64 column_end(i64 block) const { return column_range.end(block % columns); }
};

// How a product is computed below the precision `highest`: packing and rounding both operands must be worth it.
template <class T>
LowPrecision low_precision_of(const Product& p) {
  constexpr i64 kFewestForBf16 = 32;
  if (!std::is_same_v<T, float> || std::min({p.m, p.n, p.k}) < kFewestForBf16) return {};
  return low_precision(p.precision);
}

// Where B is packed before and fits the cache, or there are rows enough to fetch it meanwhile, every thread may read
// all of it. Then each of them gets rows, which it has made itself in the step before: lines that another core has
// written come slowly.
template <class T>
Grid grid_of(const Product& p, i64 threads) {
  constexpr i64 kCachedBytes = i64{1} << 20;  // half of the L2 cache of many processors
  constexpr i64 kStreamingRows = 48;
  if (p.m <= 2) threads = 1;  // one or two rows may be computed as dot products
  const bool fits = p.n * p.k * static_cast<i64>(sizeof(T)) <= kCachedBytes;
  return Grid(p.m, p.n, threads, p.packed_b && p.m / threads >= (fits ? kFewestRows : kStreamingRows));
}

template <class T>
KernelPtr product_kernel(Product product) {
  const auto& kernels = float_kernels<T>();
  const i64 m = product.m, n = product.n, k = product.k, batches = product.batches();
  const double flops = 2.0 * static_cast<double>(batches) * static_cast<double>(m) * static_cast<double>(n) *
                       static_cast<double>(std::max<i64>(k, 1));
  const auto threads = std::max<i64>(1, std::min<i64>(product.threads, static_cast<i64>(flops / kThreadFlops)));
  const Range batch(batches, ceil_div(batches, threads));
  const Grid grid = grid_of<T>(product, threads / batch.chunks);
  const i64 blocks = grid.blocks(), chunks = batch.chunks * blocks;
  const GemmShape shape{.m = ceil_div(m, grid.rows),
                        .n = std::min(grid.column_range.chunk, n),
                        .k = k,
                        .lda = product.trans_a ? m : k,
                        .ldb = product.trans_b ? k : n,
                        .ldc = n,
                        .trans_a = product.trans_a,
                        .trans_b = product.trans_b,
                        .packed_b = product.packed_b,
                        .few_ways = few_l1_ways()};
  const LowPrecision low = low_precision_of<T>(product);
  const std::size_t bytes =
      std::max(kernels.gemm_workspace(shape), low ? low.kernels->gemm_workspace(shape, low.parts) : 0);
  const auto slot_bytes = round_up(static_cast<i64>(bytes), kSlotAlignment);
  const std::string text = describe("gemm " + std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k) +
                                        (batches > 1 ? " (" + std::to_string(batches) + " of them)" : ""),
                                    dtype_of<T>, chunks) +
                           (low ? ", " + low.name : "") + (product.packed_b ? ", packed before" : "");
  // B packed: of each block of columns apart.
  const std::size_t packed_bytes = batches == 1 && !low ? kernels.gemm_packed_bytes(shape) : 0;
  const i64 packed_size = round_up(static_cast<i64>(packed_bytes), kSlotAlignment) / static_cast<i64>(sizeof(T));
  const auto split = [=, pack = kernels.gemm_pack, packed_size_of = kernels.gemm_packed_bytes]() -> SplitKernel {
    if (packed_bytes == 0 || product.packed_b) return {};
    Product packed = product;
    packed.packed_b = true;
    // As the kernel that takes it will be cut.
    const Grid cut = grid_of<T>(packed, threads);
    GemmShape block_shape = shape;
    block_shape.m = ceil_div(m, cut.rows);
    block_shape.n = std::min(cut.column_range.chunk, n);
    const i64 size = round_up(static_cast<i64>(packed_size_of(block_shape)), kSlotAlignment) / i64{sizeof(T)};
    SplitKernel parts;
    parts.input = 1;
    parts.bytes = static_cast<std::size_t>(cut.columns * size) * sizeof(T);
    parts.prepare = make_kernel("packing", 0, [=](const void* const* in, void* const* out, void*) {
      parallel_for(cut.columns, [&](i64 block) {
        GemmShape s = block_shape;
        const i64 column = cut.column_begin(block);
        s.n = cut.column_end(block) - column;
        pack(s, as<T>(in[0]) + (s.trans_b ? column * k : column), as<T>(out[0]) + block * size);
      });
    });
    parts.run = product_kernel<T>(std::move(packed));
    return parts;
  };
  return make_kernel(
      text, static_cast<std::size_t>(chunks * slot_bytes),
      [=, p = product, gemm = kernels.gemm](const void* const* in, void* const* out, void* workspace) {
        // multiply(shape, a, b, c, bias, workspace) for every block of every product.
        const auto for_blocks = [&](auto&& multiply) {
          parallel_for(chunks, [&](i64 chunk) {
            const i64 block = chunk % blocks, row = grid.row_begin(block), column = grid.column_begin(block);
            GemmShape s = shape;
            s.m = grid.row_end(block) - row;
            s.n = grid.column_end(block) - column;
            void* own = static_cast<std::byte*>(workspace) + chunk * slot_bytes;
            const T* a = as<T>(in[0]) + (p.trans_a ? row : row * k);
            const T* b = as<T>(in[1]);
            b += p.packed_b ? block % grid.columns * packed_size : p.trans_b ? column * k : column;
            T* c = as<T>(out[0]) + row * n + column;
            const T* bias = p.bias ? as<T>(in[2]) + column : nullptr;
            for (i64 i = batch.begin(chunk / blocks); i < batch.end(chunk / blocks); ++i) {
              const auto at = static_cast<std::size_t>(i);
              const i64 a_offset = p.a_batch.empty() ? 0 : p.a_batch[at] * m * k;
              const i64 b_offset = p.b_batch.empty() ? 0 : p.b_batch[at] * k * n;
              multiply(s, a + a_offset, b + b_offset, c + i * m * n, bias, own);
            }
          });
        };
        if constexpr (std::is_same_v<T, float>) {
          if (low) {
            // All blocks or none in bfloat16, so that the result does not depend on how they were cut.
            std::atomic<bool> finite{true};
            for_blocks([&](const GemmShape& s, const T* a, const T* b, T* c, const T* bias, void* own) {
              if (!finite.load(std::memory_order_relaxed)) return;
              if (!low.kernels->gemm(s, low.parts, a, b, c, bias, p.activation, own)) finite = false;
            });
            if (finite) return;
          }
        }
        for_blocks([&](const GemmShape& s, const T* a, const T* b, T* c, const T* bias, void* own) {
          gemm(s, a, b, c, bias, p.activation, own);
        });
      },
      split);
}

KernelPtr prepare(const OpCall& call, Product product) {
  for (const SpecView& operand : call.in) {
    if (operand.dtype != call.out[0].dtype) return nullptr;
  }
  if (!read_shapes(call, product)) return nullptr;
  if (product.bias && call.in[2].shape != Shape{product.n}) return nullptr;
  return for_float(call.out[0].dtype, [&]<class T>() { return product_kernel<T>(std::move(product)); });
}

KernelPtr prepare_matmul(const OpCall& call) {
  const auto* attrs = call.attributes<MatMulAttrs>();
  if (!attrs || !call.has(2)) return nullptr;
  Product product;
  product.precision = call.precision;
  product.trans_a = attrs->transpose_a;
  product.trans_b = attrs->transpose_b;
  return prepare(call, std::move(product));
}

KernelPtr prepare_fused(const OpCall& call) {
  const auto* attrs = call.attributes<MatMulFusedAttrs>();
  if (!attrs || !call.has(attrs->bias ? 3 : 2)) return nullptr;
  Product product;
  product.precision = call.precision;
  product.trans_a = attrs->transpose_a;
  product.trans_b = attrs->transpose_b;
  product.bias = attrs->bias;
  product.activation = attrs->activation == FusedActivation::relu ? Activation::relu : Activation::none;
  return prepare(call, std::move(product));
}

}  // namespace

void register_matmul(KernelTable& table) {
  table.add(kMatMul.name, prepare_matmul);
  table.add(kMatMulFused.name, prepare_fused);
}

}  // namespace keratin::cpu
