// Rows by index.
#include "keratin/core/ops/gather.h"

#include "keratin/backends/reference/kernels.h"
#include "keratin/core/ops/permutation.h"

namespace keratin::reference {
namespace {

i64 row_size(const Shape& table) { return table.slice(1, table.rank()).size(); }

void take(const std::any&, Arrays in, Arrays out) {
  const Array &table = in[0], &ids = in[1], &y = out[0];
  const i64 rows = table.shape[0], size = row_size(table.shape);
  for (i64 i = 0, n = ids.size(); i < n; ++i) {
    const i64 id = ids.load_integer(i);
    for (i64 k = 0; k < size; ++k) {
      if (id >= 0 && id < rows) {
        copy_element(table, id * size + k, y, i * size + k);
      } else {
        y.store(i * size + k, 0);
      }
    }
  }
}

void take_grad(const std::any&, Arrays in, Arrays out) {
  const Array &dy = in[0], &ids = in[1], &dtable = out[0];
  const i64 rows = dtable.shape[0], size = row_size(dtable.shape);
  std::vector<double> sums(static_cast<std::size_t>(dtable.size()), 0.0);
  for (i64 i = 0, n = ids.size(); i < n; ++i) {
    const i64 id = ids.load_integer(i);
    if (id < 0 || id >= rows) continue;
    for (i64 k = 0; k < size; ++k) sums[static_cast<std::size_t>(id * size + k)] += dy.load(i * size + k);
  }
  dtable.store_all(sums);
}

void batch_gather(const std::any& any, Arrays in, Arrays out) {
  const auto& attrs = std::any_cast<const BatchGatherAttrs&>(any);
  const Array &base = in[0], &cursor = in[1], &y = out[0];
  Array data{attrs.row_shape, attrs.from, reinterpret_cast<std::byte*>(base.load_integer(0))};
  const auto rows = static_cast<std::uint64_t>(cursor.load_integer(kCursorRows));
  const auto key = static_cast<std::uint64_t>(cursor.load_integer(kCursorKey));
  const i64 size = attrs.row_shape.size(), first = cursor.load_integer(kCursorFirst);
  if (!data.data || cursor.load_integer(kCursorRows) <= 0 || first < 0) {
    for (i64 i = 0; i < y.size(); ++i) y.store(i, 0);
    return;
  }
  for (i64 r = 0; r < attrs.batch; ++r) {
    std::uint64_t at = static_cast<std::uint64_t>(cursor.load_integer(kCursorPosition) + r) % rows;
    if (cursor.load_integer(kCursorShuffle)) at = permute_index(at, rows, key);
    const i64 row = first + static_cast<i64>(at);
    for (i64 k = 0; k < size; ++k) {
      const i64 from = row * size + k, to = r * size + k;
      if (y.floating()) {
        y.store(to, data.load(from) * attrs.scale + attrs.offset);
      } else if (data.floating()) {
        y.store(to, data.load(from));
      } else {
        y.store_integer(to, data.load_integer(from));
      }
    }
  }
}

void advance(const std::any& any, Arrays in, Arrays out) {
  copy_all(in[0], out[0]);
  out[0].store_integer(kCursorPosition,
                       out[0].load_integer(kCursorPosition) + std::any_cast<const AdvanceAttrs&>(any).batch);
}

}  // namespace

void add_gather(KernelTable& table) {
  table["take"] = take;
  table["take_grad"] = take_grad;
  table["batch_gather"] = batch_gather;
  table["advance"] = advance;
}

}  // namespace keratin::reference
