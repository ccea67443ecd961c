// Ops that move elements without changing them.
#include "keratin/core/ops/shaping.h"

#include "keratin/backends/reference/kernels.h"
#include "keratin/backends/reference/walk.h"

namespace keratin::reference {
namespace {

// Each element of `to` is the one of `from` where the walk over to's shape leads.
void pull(const Array& from, const Array& to, const Walk& walk) {
  for (i64 i = 0, n = to.size(); i < n; ++i) copy_element(from, walk(i), to, i);
}
// Each element of `from` goes where the walk over from's shape leads.
void push(const Array& from, const Array& to, const Walk& walk) {
  for (i64 i = 0, n = from.size(); i < n; ++i) copy_element(from, i, to, walk(i));
}

void transpose(const std::any& any, Arrays in, Arrays out) {
  const std::vector<i64> own = row_major_strides(in[0].shape);
  std::vector<i64> strides;
  for (int axis : std::any_cast<const TransposeAttrs&>(any).permutation) {
    strides.push_back(own[static_cast<std::size_t>(axis)]);
  }
  pull(in[0], out[0], Walk(out[0].shape, std::move(strides)));
}

void broadcast_to(const std::any&, Arrays in, Arrays out) {
  pull(in[0], out[0], broadcast_walk(in[0].shape, out[0].shape));
}

void concatenate(const std::any& any, Arrays in, Arrays out) {
  const int axis = out[0].shape.normalize_axis(std::any_cast<const ConcatenateAttrs&>(any).axis);
  std::vector<i64> corner(static_cast<std::size_t>(out[0].shape.rank()), 0);
  for (const Array& part : in) {
    push(part, out[0], box_walk(part.shape, out[0].shape, corner));
    corner[static_cast<std::size_t>(axis)] += part.shape[axis];
  }
}

void slice(const std::any& any, Arrays in, Arrays out) {
  pull(in[0], out[0], box_walk(out[0].shape, in[0].shape, std::any_cast<const SliceAttrs&>(any).begin));
}

void pad(const std::any& any, Arrays in, Arrays out) {
  const auto& attrs = std::any_cast<const PadAttrs&>(any);
  for (i64 i = 0, n = out[0].size(); i < n; ++i) out[0].store(i, attrs.value);
  push(in[0], out[0], box_walk(in[0].shape, out[0].shape, attrs.before));
}

void iota(const std::any& any, Arrays, Arrays out) {
  const int axis = out[0].shape.normalize_axis(std::any_cast<const IotaAttrs&>(any).axis);
  std::vector<i64> strides(static_cast<std::size_t>(out[0].shape.rank()), 0);
  strides[static_cast<std::size_t>(axis)] = 1;
  const Walk index(out[0].shape, std::move(strides));
  for (i64 i = 0, n = out[0].size(); i < n; ++i) out[0].store_integer(i, index(i));
}

}  // namespace

void add_shaping(KernelTable& table) {
  table["transpose"] = transpose;
  table["broadcast_to"] = broadcast_to;
  table["concatenate"] = concatenate;
  table["slice"] = slice;
  table["pad"] = pad;
  table["iota"] = iota;
}

}  // namespace keratin::reference
