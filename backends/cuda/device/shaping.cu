#include "keratin/backends/cuda/device/shaping.h"

#include <algorithm>

#include "keratin/backends/cuda/device/math.h"
#include "keratin/backends/cuda/device/typed.h"
#include "keratin/core/ops/gather.h"
#include "keratin/core/ops/permutation.h"

namespace keratin::cuda {
namespace {

template <class T>
struct CopyStrided {
  const T* x;
  T* y;
  Strided<2> at;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const auto offsets = at.offsets(i);
    y[offsets.at[1]] = x[offsets.at[0]];
  }
};

template <class T>
struct Fill {
  T* y;
  T value;
  KERATIN_HOST_DEVICE void operator()(i64 i) const { y[i] = value; }
};

template <class T>
struct Iota {
  T* y;
  i64 size, inner;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const i64 row = quotient(i, inner);
    y[i] = static_cast<T>(row - quotient(row, size) * size);
  }
};

template <class T>
struct Take {
  const T* table;
  const std::int32_t* ids;
  T* y;
  i64 rows, row;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const i64 r = quotient(i, row);
    const std::int32_t id = ids[r];
    y[i] = id >= 0 && id < rows ? table[id * row + (i - r * row)] : T{0};
  }
};

template <class From, class To>
struct Gather {
  const i64 *base, *cursor;
  To* y;
  BatchGather gather;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const i64 r = quotient(i, gather.row), column = i - r * gather.row;
    const i64 rows = cursor[kCursorRows];
    if (*base == 0 || rows <= 0 || cursor[kCursorFirst] < 0) {
      y[i] = To{0};
      return;
    }
    // A cursor outside of the data must not lead outside of its memory.
    const auto n = static_cast<std::uint64_t>(rows);
    const std::uint64_t position = static_cast<std::uint64_t>(cursor[kCursorPosition] + r) % n;
    const std::uint64_t at = cursor[kCursorShuffle] != 0
                                 ? permute_index(position, n, static_cast<std::uint64_t>(cursor[kCursorKey]))
                                 : position;
    const auto* data = reinterpret_cast<const From*>(static_cast<std::intptr_t>(*base));
    const From x = data[(cursor[kCursorFirst] + static_cast<i64>(at)) * gather.row + column];
    if constexpr (math::kFloating<To>) {
      if (gather.scale != 1 || gather.offset != 0) {
        y[i] = static_cast<To>(x) * static_cast<To>(gather.scale) + static_cast<To>(gather.offset);
        return;
      }
    }
    y[i] = math::convert<To>(x);
  }
};

struct Advance {
  const i64* cursor;
  i64* y;
  i64 batch;
  KERATIN_HOST_DEVICE void operator()(i64 i) const { y[i] = cursor[i] + (i == kCursorPosition ? batch : 0); }
};

// Through a tile in shared memory, so that both sides are read and written along their rows. The tile's rows are one
// longer than they need to be: the elements of a column then lie in different banks.
constexpr int kTile = 32, kTileRows = kBlockThreads / kTile;  // rows of a tile that are read or written at once

template <class T>
struct TransposeTiles {
  struct Shared {
    T tile[kTile][kTile + 1];
  };
  const T* x;
  T* y;
  i64 rows, columns, down, across;  // tiles of a matrix: down along its rows, across along its columns

  template <class Team>
  KERATIN_HOST_DEVICE void operator()(const Team& team, Shared& shared, i64 i) const {
    const i64 of_column = quotient(i, down), matrix = quotient(of_column, across);
    const i64 row0 = (i - of_column * down) * kTile, column0 = (of_column - matrix * across) * kTile;
    const i64 first = matrix * rows * columns;
    const int at = static_cast<int>(team.rank()) % kTile, from = static_cast<int>(team.rank()) / kTile;
    for (int r = from; r < kTile; r += kTileRows) {
      const i64 row = row0 + r, column = column0 + at;
      if (row < rows && column < columns) shared.tile[r][at] = x[first + row * columns + column];
    }
    team.synchronize();
    for (int r = from; r < kTile; r += kTileRows) {
      const i64 row = column0 + r, column = row0 + at;
      if (row < columns && column < rows) y[first + row * rows + column] = shared.tile[at][r];
    }
  }
};

template <class T>
void transpose_as(Stream stream, i64 batches, i64 rows, i64 columns, const T* x, T* y) {
  const i64 down = (rows + kTile - 1) / kTile, across = (columns + kTile - 1) / kTile;
  for_each_block(stream, batches * down * across, TransposeTiles<T>{x, y, rows, columns, down, across});
}

}  // namespace

void strided_copy(Stream stream, std::size_t element, const StridedCopy& copy, const void* x, void* y) {
  for_size(element, [&]<class T>() {
    for_each(stream, copy.n, CopyStrided<T>{as<T>(x) + copy.x_offset, as<T>(y) + copy.y_offset, copy.at});
  });
}

void transpose(Stream stream, std::size_t element, i64 batches, i64 rows, i64 columns, const void* x, void* y) {
  if (batches * rows * columns == 0) return;
  for_size(element, [&]<class T>() { transpose_as(stream, batches, rows, columns, as<T>(x), as<T>(y)); });
}

void fill(Stream stream, std::size_t element, std::uint64_t bits, void* y, i64 n) {
  for_size(element, [&]<class T>() { for_each(stream, n, Fill<T>{as<T>(y), static_cast<T>(bits)}); });
}

void iota(Stream stream, DType dtype, i64 size, i64 inner, void* y, i64 n) {
  for_number(dtype, [&]<class T>() { for_each(stream, n, Iota<T>{as<T>(y), size, inner}); });
}

void take(Stream stream, std::size_t element, i64 table_rows, i64 row, const void* table, const std::int32_t* ids,
          i64 count, void* y) {
  for_size(element, [&]<class T>() {
    for_each(stream, count * row, Take<T>{as<T>(table), ids, as<T>(y), table_rows, row});
  });
}

void batch_gather(Stream stream, DType from, DType to, const BatchGather& gather, const i64* base, const i64* cursor,
                  void* y) {
  for_number(from, [&]<class From>() {
    visit_dtype(to, [&]<class To>() {
      for_each(stream, gather.batch * gather.row, Gather<From, To>{base, cursor, as<To>(y), gather});
    });
  });
}

void advance(Stream stream, i64 batch, const i64* cursor, i64* y) {
  for_each(stream, kBatchCursorSize, Advance{cursor, y, batch});
}

}  // namespace keratin::cuda
