// Matrix products by register tiles. Every element of C is added up in the order of k, in blocks that depend on k only:
// how rows and columns are split into calls does not change a bit.
#pragma once

#include "keratin/backends/cpu/simd/tile_pack.h"

namespace keratin::cpu::KERATIN_ISA {

// A panel of B (depth x width) fits the L1 cache together with the rows of A, a block of panels the L2 cache.
constexpr i64 kDepth = 256;
template <class T>
constexpr i64 kBlockCols = 2048 / static_cast<i64>(sizeof(T));
// Up to so many rows of A, a piece of the depth, stay in the L2 cache while panels of B pass by.
constexpr i64 kPanelRows = 256;
// Fewer rows compute no longer than memory takes, and need not fetch ahead. Nor is a small B fetched, or one that was
// packed before and stays in the L2 cache; what was not may have been written by another core.
constexpr i64 kFetchingRows = 4, kNearBytes = i64{1} << 15, kCachedBytes = i64{1} << 19;

// How a product is cut: pieces of k, all of `depth` but the last, and blocks of columns.
template <class T>
struct TileBlocks {
  i64 pieces, depth, stride;  // stride: elements that hold a packed block of one piece

  explicit TileBlocks(const GemmShape& s)
      : pieces((s.k + kDepth - 1) / kDepth),
        depth((s.k + pieces - 1) / pieces),
        stride((depth + 1) * (s.n < kBlockCols<T> ? (s.n + kPanel<T> - 1) / kPanel<T> * kPanel<T> : kBlockCols<T>)) {}
  i64 columns(const GemmShape& s, i64 j0) const { return s.n - j0 < kBlockCols<T> ? s.n - j0 : kBlockCols<T>; }
  i64 terms(const GemmShape& s, i64 p0) const { return s.k - p0 < depth ? s.k - p0 : depth; }
  // Of the block in all of B, packed.
  i64 packed_at(i64 j0, i64 p0) const { return (j0 / kBlockCols<T> * pieces + p0 / depth) * stride; }
  // Columns of the panel that begins at column j of a block of `cols`.
  static i64 width(i64 cols, i64 j) { return cols - j > Vec<T>::size ? kPanel<T> : Vec<T>::size; }
};

// Whether rows of A are copied before they meet several panels, because they would compete for places in the L1 cache.
// Of a transposed A there are as many as terms.
template <class T>
bool copies_rows(const GemmShape& s) {
  return s.n > kPanel<T> && compete<T>(s.lda);
}

// Grows with every size, whatever lda is: what suffices for a product suffices for any part of it.
template <class T>
std::size_t tile_gemm_workspace(const GemmShape& s) {
  const i64 depth = s.k < kDepth ? s.k : kDepth;
  const i64 cols = s.n < kBlockCols<T> ? (s.n + kPanel<T> - 1) / kPanel<T> * kPanel<T> : kBlockCols<T>;
  const i64 most = s.few_ways ? kPanelRows : kTileRows, rows = s.m < most ? s.m : most;
  const i64 copied = s.n <= kPanel<T> ? 0 : s.trans_a ? depth * copied_row<T>(rows) : rows * copied_row<T>(depth);
  return static_cast<std::size_t>((depth + 1) * cols + copied) * sizeof(T) + 64;
}

// Elements of B when it is packed for good.
template <class T>
std::size_t tile_packed_size(const GemmShape& s) {
  const TileBlocks<T> blocks(s);
  return static_cast<std::size_t>((s.n + kBlockCols<T> - 1) / kBlockCols<T> * blocks.pieces * blocks.stride);
}

// The block of `cols` columns and k rows whose first element is `origin`, panel by panel.
template <class T>
void pack_block(const GemmShape& s, const T* origin, i64 cols, i64 k, T* panels) {
  i64 done = 0;
  if (!s.trans_b) {
    pack_panels(origin, s.ldb, k, cols / kPanel<T>, panels);
    done = cols / kPanel<T> * kPanel<T>;
  }
  for (i64 j = done; j < cols; j += kPanel<T>) {
    const i64 width = TileBlocks<T>::width(cols, j), used = cols - j < width ? cols - j : width;
    pack_panel(origin + (s.trans_b ? j * s.ldb : j), s.ldb, s.trans_b, k, used, width, panels + j * (k + 1));
  }
}

template <class T>
void tile_pack(const GemmShape& s, const T* b, T* packed) {
  const TileBlocks<T> blocks(s);
  for (i64 j0 = 0; j0 < s.n; j0 += kBlockCols<T>) {
    for (i64 p0 = 0; p0 < s.k; p0 += blocks.depth) {
      const T* origin = s.trans_b ? b + j0 * s.ldb + p0 : b + p0 * s.ldb + j0;
      pack_block(s, origin, blocks.columns(s, j0), blocks.terms(s, p0), packed + blocks.packed_at(j0, p0));
    }
  }
}

// A product in the making. With few rows each panel of B meets all of them in turn, while the next panel is fetched to
// the cache: B is read once, from wherever it lies, packed on the way unless there are hardly any rows. A B that was
// packed before meets groups of so many rows. Otherwise a block of panels is packed and each band of rows meets all of
// it, as the rows' part of A would not stay in the cache.
template <class T>
class TileProduct {
 public:
  TileProduct(const GemmShape& s, const T* a, const T* b, T* c, const T* bias, Activation activation, void* workspace)
      : s_(s),
        blocks_(s),
        bands_((s.m + most_rows<T>(s.n) - 1) / most_rows<T>(s.n)),
        few_(s.m / bands_),
        // With few rows a packed panel would hardly be used again.
        in_place_(!s.packed_b && !s.trans_b && bands_ <= 2),
        a_(a),
        b_(b),
        c_(c),
        bias_(bias),
        relu_(activation == Activation::relu),
        own_(reinterpret_cast<T*>((reinterpret_cast<std::uintptr_t>(workspace) + 63) / 64 * 64)) {
    const int few = static_cast<int>(few_), more = s.m % bands_ == 0 ? few : few + 1;
    for (int vectors = 1; vectors <= 2; ++vectors) {
      if (more > (vectors == 1 ? kNarrowRows : kTileRows)) continue;
      tiles_[vectors - 1][0] = {tile_of<T, Walk::run>(few, vectors), tile_of<T, Walk::ahead>(few, vectors)};
      tiles_[vectors - 1][1] = {tile_of<T, Walk::run>(more, vectors), tile_of<T, Walk::ahead>(more, vectors)};
    }
  }

  void compute() {
    const i64 most = kPanelRows / most_rows<T>(s_.n), groups = (bands_ + most - 1) / most;
    if (s_.packed_b || in_place_ || (groups == 1 && !s_.trans_a)) {
      for (i64 g = 0; g < groups; ++g) by_panels(bands_ * g / groups, bands_ * (g + 1) / groups);
    } else {
      by_bands();
    }
  }

 private:
  struct Rows {  // of A: the first element of those in question
    const T* begin;
    i64 row, step;
  };
  struct Panel {
    const T* begin;
    i64 step;
  };
  struct Fetch {  // meanwhile, a line for each term; null for nothing
    const T* from = nullptr;
    i64 step = 0;
  };

  const T* origin(i64 j0, i64 p0) const { return s_.trans_b ? b_ + j0 * s_.ldb + p0 : b_ + p0 * s_.ldb + j0; }
  i64 first_row(i64 band) const { return s_.m * band / bands_; }
  struct Band {
    i64 first, rows;
  };
  Band band(i64 t) const { return {first_row(t), first_row(t + 1) - first_row(t)}; }

  Rows rows_of(i64 i0, i64 p0) const {
    return s_.trans_a ? Rows{a_ + p0 * s_.lda + i0, 1, s_.lda} : Rows{a_ + i0 * s_.lda + p0, s_.lda, 1};
  }

  Rows copied(const Rows& rows, i64 count, i64 k, T* copy) const {
    if (!copies_rows<T>(s_)) return rows;
    const i64 lines = s_.trans_a ? k : count, length = s_.trans_a ? count : k, line = copied_row<T>(length);
    copy_rows(rows.begin, s_.lda, lines, length, copy);
    return s_.trans_a ? Rows{copy, 1, line} : Rows{copy, line, 1};
  }

  // Of the bands [begin, end).
  void by_panels(i64 begin, i64 end) {
    Band bands[kPanelRows / kTileRows];  // at most, as tiles of one vector have more rows
    static_assert(kNarrowRows >= kTileRows);
    for (i64 t = begin; t < end; ++t) bands[t - begin] = band(t);
    const i64 bytes = s_.n * s_.k * static_cast<i64>(sizeof(T));
    const bool fetches = s_.m >= kFetchingRows && bytes > (s_.packed_b ? kCachedBytes : kNearBytes);
    const i64 first = bands[0].first, count = bands[end - begin - 1].first + bands[end - begin - 1].rows - first;
    for_blocks([&](i64 j0, i64 p0, i64 cols, i64 k) {
      Rows rows = rows_of(first, p0);
      if (s_.few_ways) rows = copied(rows, count, k, own_ + (k + 1) * kPanel<T>);
      const T* const packed = s_.packed_b ? b_ + blocks_.packed_at(j0, p0) : nullptr;
      for (i64 j = 0; j < cols; j += kPanel<T>) {
        const i64 width = TileBlocks<T>::width(cols, j), used = cols - j < width ? cols - j : width;
        const T* const from = origin(j0, p0) + (s_.trans_b ? j * s_.ldb : j);
        Panel panel{own_, width};
        if (packed) {
          panel.begin = packed + j * (k + 1);
        } else if (in_place_ && used == width) {
          panel = {from, s_.ldb};
        } else {
          pack_panel(from, s_.ldb, s_.trans_b, k, used, width, own_);
        }
        for (i64 t = begin; t < end; ++t) {
          Fetch fetch;
          if (fetches) {
            fetch = packed ? share_of_packed(panel.begin + (k + 1) * width, t - begin, end - begin, k, width)
                           : share(j0, j, p0, k, t);
          }
          const Band& here = bands[t - begin];
          const Rows own{rows.begin + (here.first - first) * rows.row, rows.row, rows.step};
          multiply(here, own, j0 + j, used, p0, k, panel, fetch);
        }
      }
    });
  }

  // What a band fetches of the packed panel that begins at `next`: some of its lines in order.
  Fetch share_of_packed(const T* next, i64 band, i64 bands, i64 k, i64 width) const {
    const i64 step = (width + bands - 1) / bands;
    return {next + band * k * step, step};
  }

  // And of B as it is, while a panel is computed: a line of each row of the next panel. Of a transposed B, whose rows
  // are columns, a line of k rows, which are those of some panels; until it is their turn most of their lines have been
  // fetched. With one band only half of either is; the processor often fetches the line beside it, too.
  Fetch share(i64 j0, i64 j, i64 p0, i64 k, i64 band) const {
    constexpr i64 kLine = 64 / static_cast<i64>(sizeof(T));
    const i64 panels = s_.trans_b ? (k + kPanel<T> - 1) / kPanel<T> : 1, since = j / kPanel<T> % panels;
    const i64 line = (since * bands_ + band) * kLine;
    if (line >= (s_.trans_b ? k : kPanel<T>)) return {};
    const T* const next = following(j0, p0, j + (panels - since) * kPanel<T>);
    return next ? Fetch{next + line, s_.ldb} : Fetch{};
  }

  // Column j of a block in B; when the block has fewer the next block, null after the last one.
  const T* following(i64 j0, i64 p0, i64 j) const {
    if (j < blocks_.columns(s_, j0)) return origin(j0, p0) + (s_.trans_b ? j * s_.ldb : j);
    if (p0 + blocks_.depth < s_.k) return origin(j0, p0 + blocks_.depth);
    return j0 + kBlockCols<T> < s_.n ? origin(j0 + kBlockCols<T>, 0) : nullptr;
  }

  void by_bands() {
    for_blocks([&](i64 j0, i64 p0, i64 cols, i64 k) {
      pack_block(s_, origin(j0, p0), cols, k, own_);
      for (i64 t = 0; t < bands_; ++t) {
        const Band here = band(t);
        const Rows rows = copied(rows_of(here.first, p0), here.rows, k, own_ + blocks_.stride);
        for (i64 j = 0; j < cols; j += kPanel<T>) {
          const i64 width = TileBlocks<T>::width(cols, j), used = cols - j < width ? cols - j : width;
          multiply(here, rows, j0 + j, used, p0, k, {own_ + j * (k + 1), width}, {});
        }
      }
    });
  }

  // compute(column, term, columns, terms) for every block of B.
  template <class Compute>
  void for_blocks(Compute&& compute) {
    for (i64 j0 = 0; j0 < s_.n; j0 += kBlockCols<T>) {
      for (i64 p0 = 0; p0 < s_.k; p0 += blocks_.depth) compute(j0, p0, blocks_.columns(s_, j0), blocks_.terms(s_, p0));
    }
  }

  // The rows of a band times a panel of `cols` columns.
  void multiply(const Band& band, const Rows& rows, i64 column, i64 cols, i64 p0, i64 k, const Panel& panel,
                const Fetch& fetch) const {
    const bool last = p0 + k == s_.k;
    const TileJob<T> job = {.k = k,
                            .segments = 1,
                            .a = rows.begin,
                            .a_row = rows.row,
                            .a_step = rows.step,
                            .a_jump = 0,
                            .b = panel.begin,
                            .b_step = panel.step,
                            .c = c_ + band.first * s_.ldc + column,
                            .c_row = s_.ldc,
                            .cols = cols,
                            .add = s_.accumulate || p0 > 0,
                            .bias = bias_ && last ? bias_ + column : nullptr,
                            .relu = relu_ && last,
                            .ahead = fetch.from,
                            .ahead_step = fetch.step};
    const auto& tile = tiles_[cols > Vec<T>::size ? 1 : 0][band.rows > few_ ? 1 : 0];
    (fetch.from ? tile.ahead : tile.run)(job);
  }

  const GemmShape& s_;
  const TileBlocks<T> blocks_;
  const i64 bands_, few_;  // rows of a band, at least
  const bool in_place_;
  const T *a_, *b_;
  T* c_;
  const T* bias_;
  bool relu_;
  T* own_;
  struct {
    TileFn<T> run, ahead;
  } tiles_[2][2] = {};  // of one and two vectors; of a band of few rows, and of one more
};

// k > 0.
template <class T>
void tile_gemm(const GemmShape& s, const T* a, const T* b, T* c, const T* bias, Activation activation,
               void* workspace) {
  TileProduct<T>(s, a, b, c, bias, activation, workspace).compute();
}

}  // namespace keratin::cpu::KERATIN_ISA
