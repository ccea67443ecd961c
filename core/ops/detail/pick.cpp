#include "keratin/core/ops/detail/pick.h"

#include <limits>
#include <string>

#include "keratin/core/ops/elementwise.h"
#include "keratin/core/ops/gather.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::op_support {

Value pick(std::string_view op, const Value& x, int axis, const std::vector<std::int32_t>& positions) {
  const Shape before = x.shape().slice(0, axis), after = x.shape().slice(axis + 1, x.rank());
  const std::int64_t outer = before.size(), size = x.shape()[axis];
  if (outer * size > std::numeric_limits<std::int32_t>::max()) {
    throw InvalidArgument(std::string(op) + ": more than 2^31 rows at once; use a smaller batch");
  }
  const auto count = static_cast<std::int64_t>(positions.size());
  Value ids = Tensor({1, count}, positions);
  if (outer > 1) ids = ops::iota({outer, 1}, 0) * static_cast<double>(size) + ids;
  const Value rows = ops::take(ops::reshape(x, Shape{outer * size}.concat(after)), ids);
  return ops::reshape(rows, before.concat({count}).concat(after));
}

void expect_known_sizes(std::string_view op, const Value& x) {
  if (x.shape().is_known()) return;
  throw InvalidArgument(std::string(op) + ": sizes must be known, as in a layer's call, got shape " +
                        x.shape().to_string());
}

int normalize_axis(std::string_view op, int axis, int rank) {
  const int result = axis < 0 ? axis + rank : axis;
  if (result >= 0 && result < rank) return result;
  throw InvalidArgument(std::string(op) + ": axis " + std::to_string(axis) + " is out of range for rank " +
                        std::to_string(rank));
}

}  // namespace keratin::op_support
