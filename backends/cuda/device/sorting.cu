#include "keratin/backends/cuda/device/sorting.h"

#include <algorithm>
#include <vector>

#include "keratin/backends/cuda/device/index.h"
#include "keratin/backends/cuda/device/math.h"
#include "keratin/backends/cuda/device/typed.h"

namespace keratin::cuda {
namespace {

// Rows up to kCounted are sorted by counting, and so are the runs of longer ones.
constexpr i64 kCounted = 1024, kRun = 256;
// Elements of a running sum's block, and sums that keep a large device busy.
constexpr i64 kSumBlock = 64, kBusy = 1 << 14;
// Sorted ids whose rows are added up together, if they are equal.
constexpr i64 kIdBlock = 64;
// Ids, and comparisons of ids and elements, that are not worth sorting.
constexpr i64 kFewIds = 64, kFewComparisons = i64{1} << 24;

i64 aligned(i64 bytes) { return (bytes + 255) / 256 * 256; }
i64 ceil_div(i64 a, i64 b) { return (a + b - 1) / b; }

// NaN is not equal to itself, and comes last.
template <class T>
KERATIN_HOST_DEVICE bool precedes(T a, T b) {
  return a < b || (b != b && a == a);
}

// How many of `count` sorted elements come before `value`; `or_equal`: or are its equals.
template <class T>
KERATIN_HOST_DEVICE i64 bisect(const T* sorted, i64 count, T value, bool or_equal) {
  i64 low = 0, high = count;
  while (low < high) {
    const i64 middle = (low + high) / 2;
    const bool before = or_equal ? !precedes(value, sorted[middle]) : precedes(sorted[middle], value);
    if (before) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

// Sorts runs of `run` elements of each row.
template <class T>
struct SortRuns {
  const T* x;
  std::int32_t* order;
  T* sorted;  // may be null
  i64 size, run;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const i64 row = quotient(i, size), own = i - row * size;
    const i64 first = quotient(own, run) * run, end = first + run < size ? first + run : size;
    const T* values = x + row * size;
    const T value = values[own];
    i64 before = 0;
    KERATIN_UNROLL
    for (i64 k = first; k < end; ++k) {
      const T other = values[k];
      before += precedes(other, value) || (k < own && !precedes(value, other)) ? 1 : 0;
    }
    const i64 to = row * size + first + before;
    order[to] = static_cast<std::int32_t>(own);
    if (sorted) sorted[to] = value;
  }
};

// Merges runs two by two. Equal elements of the first run come before those of the second.
template <class T>
struct MergeRuns {
  const T* x;
  const std::int32_t* order;
  T* sorted;  // may be null
  std::int32_t* merged;
  i64 size, run;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const i64 row = quotient(i, size), own = i - row * size;
    const i64 number = quotient(own, run), second = number % 2;
    const i64 other = (second ? number - 1 : number + 1) * run;
    const i64 left = size - other, count = left < 0 ? 0 : left < run ? left : run;
    const T value = x[i];
    const i64 before = bisect(x + row * size + other, count, value, second != 0);
    const i64 to = row * size + own - second * run + before;
    merged[to] = order[i];
    if (sorted) sorted[to] = value;
  }
};

template <class T>
void sort_rows(Stream stream, const SortShape& shape, const T* x, std::int32_t* order, T* sorted,
               std::byte* workspace) {
  const i64 n = shape.rows * shape.size;
  if (shape.size <= kCounted) return for_each(stream, n, SortRuns<T>{x, order, sorted, shape.size, shape.size});
  int passes = 0;
  for (i64 run = kRun; run < shape.size; run *= 2) ++passes;
  auto* spare = reinterpret_cast<std::int32_t*>(workspace);
  T* keys = reinterpret_cast<T*>(workspace + aligned(n * 4));
  // The last pass ends in the results.
  const auto order_of = [&](int pass) { return (passes - pass) % 2 == 0 ? order : spare; };
  const auto keys_of = [&](int pass) { return pass == passes ? sorted : keys + (pass % 2) * n; };
  for_each(stream, n, SortRuns<T>{x, order_of(0), keys_of(0), shape.size, kRun});
  i64 run = kRun;
  for (int pass = 1; pass <= passes; ++pass, run *= 2) {
    for_each(stream, n,
             MergeRuns<T>{keys_of(pass - 1), order_of(pass - 1), keys_of(pass), order_of(pass), shape.size, run});
  }
}

// A thread for each (outer, block, inner) of the middle axis, cut into blocks.
struct Blocks {
  i64 size, inner, block, blocks;
  bool reverse;  // from the last element to the first
  struct Place {
    i64 first, step, count;  // elements of the block
    i64 block, before;       // its number, and where the sum of the block before it is
  };
  KERATIN_HOST_DEVICE Place place(i64 i) const {
    const i64 row = quotient(i, inner), column = i - row * inner;
    const i64 outer = quotient(row, blocks), number = row - outer * blocks;
    const i64 begin = number * block, count = begin + block < size ? block : size - begin;
    const i64 first = outer * size + (reverse ? size - 1 - begin : begin);
    return {first * inner + column, reverse ? -inner : inner, count, number, i - inner};
  }
};

template <class T>
struct SumBlocks {
  const T* x;
  T* sums;
  Blocks blocks;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const auto place = blocks.place(i);
    T sum{0};
    KERATIN_UNROLL
    for (i64 k = 0; k < place.count; ++k) sum = math::Add()(sum, x[place.first + k * place.step]);
    sums[i] = sum;
  }
};

// y may be x.
template <class T>
struct RunningSums {
  const T* x;
  const T* sums;  // running, of the blocks; may be null when there is one
  T* y;
  Blocks blocks;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const auto place = blocks.place(i);
    T sum = place.block > 0 ? sums[place.before] : T{0};
    for (i64 k = 0; k < place.count; ++k) {
      const i64 at = place.first + k * place.step;
      sum = math::Add()(sum, x[at]);
      y[at] = sum;
    }
  }
};

// The sizes of the middle axis, of the sums of its blocks, of the sums of their blocks, ...
std::vector<i64> levels(const CumsumShape& shape) {
  std::vector<i64> sizes = {shape.size};
  while (shape.outer * shape.inner * ceil_div(sizes.back(), kSumBlock) > 0 && shape.outer * shape.inner < kBusy &&
         sizes.back() > 4 * kSumBlock) {
    sizes.push_back(ceil_div(sizes.back(), kSumBlock));
  }
  return sizes;
}

template <class T>
void cumsum_as(Stream stream, const CumsumShape& shape, const T* x, T* y, T* workspace) {
  const std::vector<i64> sizes = levels(shape);
  const i64 sums = shape.outer * shape.inner;
  const auto blocks_of = [&](std::size_t level, i64 block) {
    return Blocks{sizes[level], shape.inner, block, block > 0 ? ceil_div(sizes[level], block) : 0,
                  level == 0 && shape.reverse};
  };
  std::vector<T*> memory = {nullptr};  // of the levels' sums
  for (std::size_t level = 1; level < sizes.size(); ++level) {
    memory.push_back(level == 1 ? workspace : memory[level - 1] + sums * sizes[level - 1]);
    for_each(stream, sums * sizes[level],
             SumBlocks<T>{level == 1 ? x : memory[level - 1], memory[level], blocks_of(level - 1, kSumBlock)});
  }
  for (std::size_t level = sizes.size(); level-- > 0;) {
    const bool last = level + 1 == sizes.size();
    const Blocks blocks = blocks_of(level, last ? sizes[level] : kSumBlock);
    for_each(stream, sums * blocks.blocks,
             RunningSums<T>{level == 0 ? x : memory[level], last ? nullptr : memory[level + 1],
                            level == 0 ? y : memory[level], blocks});
  }
}

// Every element of the table looks through the ids, many at a time.
template <class T>
struct SearchIds {
  const T* dy;
  const std::int32_t* ids;
  T* dtable;
  i64 row, count;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const i64 id = quotient(i, row), column = i - id * row;
    T sum{0};
    KERATIN_UNROLL
    for (i64 r = 0; r < count; ++r) {
      if (ids[r] == id) sum += dy[r * row + column];
    }
    dtable[i] = sum;
  }
};

// Where the ids >= i begin among the sorted ones.
struct FindSegments {
  const std::int32_t* ids;
  std::int32_t* begin;
  i64 count;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    begin[i] = static_cast<std::int32_t>(bisect(ids, count, static_cast<std::int32_t>(i), false));
  }
};

// The rows of a whole block of sorted ids, where these are equal.
template <class T>
struct SumEqualIds {
  const T* dy;
  const std::int32_t *ids, *order;
  T* sums;
  i64 row;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const i64 block = quotient(i, row), column = i - block * row, first = block * kIdBlock;
    if (ids[first] != ids[first + kIdBlock - 1]) return;
    T sum{0};
    KERATIN_UNROLL
    for (i64 k = first; k < first + kIdBlock; ++k) sum += dy[order[k] * row + column];
    sums[i] = sum;
  }
};

template <class T>
struct SumSegments {
  const T* dy;
  const std::int32_t *begin, *order;
  const T* sums;
  T* dtable;
  i64 row;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const i64 id = quotient(i, row), column = i - id * row;
    i64 k = begin[id];
    const i64 end = begin[id + 1];
    T sum{0};
    while (k < end) {
      if (k % kIdBlock == 0 && k + kIdBlock <= end) {
        sum += sums[quotient(k, kIdBlock) * row + column];
        k += kIdBlock;
      } else {
        sum += dy[order[k] * row + column];
        ++k;
      }
    }
    dtable[i] = sum;
  }
};

SortShape ids_of(const TakeGradientShape& shape) { return {DType::int32, 1, shape.count}; }

}  // namespace

i64 SortShape::workspace_bytes() const {
  const i64 n = rows * size;
  return size <= kCounted ? 0 : aligned(n * 4) + 2 * n * static_cast<i64>(size_of(dtype));
}

void argsort(Stream stream, const SortShape& shape, const void* x, std::int32_t* order, void* sorted, void* workspace) {
  for_number(shape.dtype,
             [&]<class T>() { sort_rows<T>(stream, shape, as<T>(x), order, as<T>(sorted), as<std::byte>(workspace)); });
}

i64 CumsumShape::workspace_bytes() const {
  i64 sums = 0;
  const std::vector<i64> sizes = levels(*this);
  for (std::size_t level = 1; level < sizes.size(); ++level) sums += outer * inner * sizes[level];
  return sums * static_cast<i64>(size_of(dtype));
}

void cumsum(Stream stream, const CumsumShape& shape, const void* x, void* y, void* workspace) {
  for_number(shape.dtype, [&]<class T>() { cumsum_as<T>(stream, shape, as<T>(x), as<T>(y), as<T>(workspace)); });
}

bool TakeGradientShape::sorts() const {
  return count > kFewIds && row > 0 && table_rows > kFewComparisons / (count * row);
}

i64 TakeGradientShape::workspace_bytes() const {
  if (!sorts()) return 0;
  const i64 sums = count / kIdBlock * row * static_cast<i64>(size_of(dtype));
  return 2 * aligned(count * 4) + aligned((table_rows + 1) * 4) + aligned(sums) + ids_of(*this).workspace_bytes();
}

void take_gradient(Stream stream, const TakeGradientShape& shape, const void* dy, const std::int32_t* ids, void* dtable,
                   void* workspace) {
  const i64 row = shape.row, elements = shape.table_rows * row;
  for_float(shape.dtype, [&]<class T>() {
    if (!shape.sorts()) {
      return for_each(stream, elements, SearchIds<T>{as<T>(dy), ids, as<T>(dtable), row, shape.count});
    }
    auto* memory = as<std::byte>(workspace);
    const auto take = [&](i64 bytes) {
      void* piece = memory;
      memory += aligned(bytes);
      return piece;
    };
    const i64 blocks = shape.count / kIdBlock;
    auto* order = as<std::int32_t>(take(shape.count * 4));
    auto* sorted = as<std::int32_t>(take(shape.count * 4));
    auto* begin = as<std::int32_t>(take((shape.table_rows + 1) * 4));
    auto* sums = as<T>(take(blocks * row * static_cast<i64>(sizeof(T))));
    argsort(stream, ids_of(shape), ids, order, sorted, memory);
    for_each(stream, shape.table_rows + 1, FindSegments{sorted, begin, shape.count});
    for_each(stream, blocks * row, SumEqualIds<T>{as<T>(dy), sorted, order, sums, row});
    for_each(stream, elements, SumSegments<T>{as<T>(dy), begin, order, sums, as<T>(dtable), row});
  });
}

}  // namespace keratin::cuda
