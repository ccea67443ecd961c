// Rows by index: embeddings and their gradients; batches of a data set that lies in host memory.
#include "keratin/core/ops/gather.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "keratin/backends/cpu/parallel.h"
#include "keratin/backends/cpu/typed.h"
#include "keratin/core/ops/permutation.h"

namespace keratin::cpu {
namespace {

// inputs (table, ids); any dtype.
KernelPtr prepare_take(const OpCall& call) {
  if (!call.has(2)) return nullptr;
  const Shape &table = call.in[0].shape, &ids = call.in[1].shape;
  if (table.rank() == 0 || call.in[1].dtype != DType::int32 ||
      !is(call.out[0], ids.concat(table.slice(1, table.rank())), call.in[0].dtype)) {
    return nullptr;
  }
  const i64 vocabulary = table[0];
  const i64 bytes = table.slice(1, table.rank()).size() * static_cast<i64>(size_of(call.in[0].dtype));
  const Range range(ids.size(), std::max<i64>(1, 4 * kGrainHeavy / std::max<i64>(bytes, 1)));
  return make_kernel(describe("take", call.in[0].dtype, range.chunks), [=](const void* const* in, void* const* out) {
    range.run([&](i64 row, i64 end) {
      const auto* rows = as<std::byte>(in[0]);
      const auto* id = as<std::int32_t>(in[1]);
      for (; row < end; ++row) {
        std::byte* y = as<std::byte>(out[0]) + row * bytes;
        if (id[row] >= 0 && id[row] < vocabulary) {
          std::memcpy(y, rows + id[row] * bytes, static_cast<std::size_t>(bytes));
        } else {
          std::memset(y, 0, static_cast<std::size_t>(bytes));
        }
      }
    });
  });
}

// inputs (dy, ids). Each chunk owns rows of the table and looks through all ids, so that the order of additions is that
// of the ids.
KernelPtr prepare_take_grad(const OpCall& call) {
  const auto* attrs = call.attributes<TakeGradAttrs>();
  if (!attrs || !call.has(2)) return nullptr;
  const Shape &table = attrs->table_shape, &ids = call.in[1].shape;
  if (table.rank() == 0 || !table.is_known() || call.in[1].dtype != DType::int32 ||
      !is(call.out[0], table, call.in[0].dtype) || call.in[0].shape != ids.concat(table.slice(1, table.rank()))) {
    return nullptr;
  }
  const i64 vocabulary = table[0], dim = table.slice(1, table.rank()).size(), rows = ids.size();
  const i64 wanted = std::clamp<i64>((rows + vocabulary) * dim / kGrainLight, 1, 16);
  const Range range(vocabulary, ceil_div(vocabulary, wanted));
  return for_float(call.in[0].dtype, [&]<class T>() {
    return make_kernel(describe("take gradient", call.in[0].dtype, range.chunks),
                       [=, gradient = float_kernels<T>().embedding_gradient](const void* const* in, void* const* out) {
                         range.run([&](i64 begin, i64 end) {
                           gradient(as<T>(in[0]), dim, DType::int32, in[1], rows, begin, end, as<T>(out[0]));
                         });
                       });
  });
}

constexpr i64 kRowsAtOnce = 64;

// The data's row numbers for the rows [row, row + count) of a batch, at most kRowsAtOnce.
void batch_rows(const i64* cursor, i64 row, i64 count, i64* index) {
  const auto rows = static_cast<std::uint64_t>(cursor[kCursorRows]);
  std::array<std::uint64_t, kRowsAtOnce> at;
  std::array<std::uint8_t, kRowsAtOnce> left;  // those that are not below `rows` yet
  const auto n = static_cast<std::size_t>(count);
  for (std::size_t i = 0; i < n; ++i) {
    // A cursor outside of the data must not lead outside of its memory.
    at[i] = (static_cast<std::uint64_t>(cursor[kCursorPosition] + row) + i) % rows;
    left[i] = static_cast<std::uint8_t>(i);
  }
  // permute_index, for all of them together: one after the other, each would wait for the multiplications before.
  const FeistelNetwork network(rows, static_cast<std::uint64_t>(cursor[kCursorKey]));
  for (std::size_t pending = cursor[kCursorShuffle] != 0 ? n : 0; pending > 0;) {
    std::size_t next = 0;
    for (std::size_t j = 0; j < pending; ++j) {
      const std::uint8_t i = left[j];
      at[i] = network(at[i]);
      left[next] = i;
      next += at[i] >= rows ? 1 : 0;
    }
    pending = next;
  }
  for (std::size_t i = 0; i < n; ++i) index[i] = cursor[kCursorFirst] + static_cast<i64>(at[i]);
}

// inputs (base, cursor)
KernelPtr prepare_batch_gather(const OpCall& call) {
  const auto* attrs = call.attributes<BatchGatherAttrs>();
  if (!attrs || !call.has(2) || attrs->batch < 1 || !attrs->row_shape.is_known() ||
      !is(call.in[0], {1}, DType::int64) || !is(call.in[1], {kBatchCursorSize}, DType::int64) ||
      !is(call.out[0], Shape{attrs->batch}.concat(attrs->row_shape), attrs->to)) {
    return nullptr;
  }
  if ((attrs->scale != 1 || attrs->offset != 0) && !is_floating(attrs->to)) return nullptr;
  const DType from = attrs->from, to = attrs->to;
  const double scale = attrs->scale, offset = attrs->offset;
  const i64 row_size = attrs->row_shape.size(), row_bytes = row_size * static_cast<i64>(size_of(to));
  const Range range(attrs->batch, std::max<i64>(1, kGrainHeavy / std::max<i64>(row_size, 1)));
  return make_kernel(describe("gather of " + std::string(name_of(from)) + " rows to", to, range.chunks),
                     [=, gather = simd().gather_rows](const void* const* in, void* const* out) {
                       range.run([&](i64 row, i64 end) {
                         const i64 *base = as<i64>(in[0]), *cursor = as<i64>(in[1]);
                         auto* y = as<std::byte>(out[0]);
                         if (*base == 0 || cursor[kCursorRows] <= 0 || cursor[kCursorFirst] < 0) {
                           std::memset(y + row * row_bytes, 0, static_cast<std::size_t>((end - row) * row_bytes));
                           return;
                         }
                         const void* data = reinterpret_cast<const void*>(static_cast<std::intptr_t>(*base));
                         std::array<i64, kRowsAtOnce> index;
                         for (; row < end; row += kRowsAtOnce) {
                           const i64 count = std::min(kRowsAtOnce, end - row);
                           batch_rows(cursor, row, count, index.data());
                           gather(from, to, data, index.data(), count, row_size, scale, offset, y + row * row_bytes);
                         }
                       });
                     });
}

KernelPtr prepare_advance(const OpCall& call) {
  const auto* attrs = call.attributes<AdvanceAttrs>();
  if (!attrs || !call.has(1) || !same(call.in[0], call.out[0]) || !is(call.in[0], {kBatchCursorSize}, DType::int64)) {
    return nullptr;
  }
  return make_kernel("advance", [batch = attrs->batch](const void* const* in, void* const* out) {
    std::memmove(out[0], in[0], kBatchCursorSize * sizeof(i64));
    as<i64>(out[0])[kCursorPosition] += batch;
  });
}

}  // namespace

void register_gather(KernelTable& table) {
  table.add(kTake.name, prepare_take);
  table.add(kTakeGrad.name, prepare_take_grad);
  table.add(kBatchGather.name, prepare_batch_gather);
  table.add(kAdvance.name, prepare_advance);
}

}  // namespace keratin::cpu
