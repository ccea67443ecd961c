// Ops that move elements without changing them.
#pragma once

#include <vector>

#include "keratin/core/graph/node.h"

namespace keratin {

struct ReshapeAttrs {
  Shape shape = {};  // one axis may be -1
};
extern const OpDef kReshape;  // costs nothing: the result shares its operand's memory

struct TransposeAttrs {
  std::vector<int> permutation = {};  // output axis i is input axis permutation[i]
};
extern const OpDef kTranspose;

struct BroadcastToAttrs {
  Shape shape = {};
};
extern const OpDef kBroadcastTo;

struct ConcatenateAttrs {
  int axis = 0;
};
extern const OpDef kConcatenate;

struct SliceAttrs {
  std::vector<std::int64_t> begin = {}, size = {};  // one for each axis; a size of -1 reaches to the end
};
extern const OpDef kSlice;

struct PadAttrs {
  std::vector<std::int64_t> before = {}, after = {};  // elements added on each axis, not negative
  double value = 0;
};
extern const OpDef kPad;

struct IotaAttrs {
  Shape shape = {};
  int axis = 0;
  DType dtype = DType::int32;
};
extern const OpDef kIota;  // no inputs; element = its index on `axis`

namespace ops {
Value reshape(Value x, Shape shape);
Value transpose(Value x, std::vector<int> permutation);
Value broadcast_to(Value x, Shape shape);
Value concatenate(Values values, int axis = -1);
Value stack(Values values, int axis = 0);
Value slice(Value x, std::vector<std::int64_t> begin, std::vector<std::int64_t> size);
// `parts` equal pieces along an axis.
Values split(Value x, int parts, int axis = -1);
Value pad(Value x, std::vector<std::int64_t> before, std::vector<std::int64_t> after, double value = 0);
Value expand_dims(Value x, int axis);
Value squeeze(Value x, int axis);
// Keeps the first axis and joins the others.
Value flatten(Value x);
Value repeat(Value x, std::int64_t times, int axis);  // each element `times` times in a row
Value iota(Shape shape, int axis, DType dtype = DType::int32);
Value zeros_like(Value x);
Value ones_like(Value x);
}  // namespace ops

}  // namespace keratin
