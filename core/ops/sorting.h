// Order and running sums: argsort, sort, top_k, quantiles, places in sorted numbers, cumsum, cumprod.
#pragma once

#include <string>
#include <vector>

#include "keratin/core/graph/node.h"

namespace keratin {

// The indices, int32, that bring the rows of the last axis in ascending order. Equal numbers keep their order, NaN
// comes last. No gradient: ops::sort takes the elements by them.
extern const OpDef kArgsort;

struct CumsumAttrs {
  int axis = 0;
  bool reverse = false;  // sums of the elements from here to the end
};
extern const OpDef kCumsum;  // sums of the elements up to and with each one

namespace ops {

Value argsort(Value x, int axis = -1);
Value sort(Value x, int axis = -1);
// The k largest numbers of the last axis, falling, and their indices (int32).
Values top_k(Value x, std::int64_t k);
// bool (n): whether fewer than k of the predictions (n, classes) are larger than that of the target (n).
Value in_top_k(Value targets, Value predictions, std::int64_t k);

// The number below which a part q (0 to 1) of the elements lies. Between two elements, `method` says: "linear",
// "lower", "higher", "midpoint" or "nearest". Axes as in sum. NaN where an element is NaN. Throw InvalidArgument for
// another q or method, and for unknown sizes.
Value quantile(Value x, double q, std::vector<int> axes = {}, bool keepdims = false,
               const std::string& method = "linear");
Value percentile(Value x, double q, std::vector<int> axes = {}, bool keepdims = false,
                 const std::string& method = "linear");  // q from 0 to 100
Value median(Value x, std::vector<int> axes = {}, bool keepdims = false);
// Without the elements that are NaN; NaN where there is no other. Linear between two elements.
Value nanquantile(Value x, double q, std::vector<int> axes = {}, bool keepdims = false);
Value nanpercentile(Value x, double q, std::vector<int> axes = {}, bool keepdims = false);
Value nanmedian(Value x, std::vector<int> axes = {}, bool keepdims = false);

// int32: where the values belong in ascending numbers (n), before equal ones ("left") or behind them ("right").
// Each value is compared with each number.
Value searchsorted(Value sorted, Value values, const std::string& side = "left");
Value digitize(Value x, Value bins);                       // how many of the ascending bins are <= x
Value isin(Value x, Value elements, bool invert = false);  // bool: whether x is one of the elements

// Without an axis over all elements in a row. Sums and products of bool and uint8 are int32.
Value cumsum(Value x);
Value cumsum(Value x, int axis);
Value cumprod(Value x);
Value cumprod(Value x, int axis);     // a scan: sizes must be known
Value nancumsum(Value x, int axis);   // NaN counts as 0
Value nancumprod(Value x, int axis);  // NaN counts as 1

}  // namespace ops
}  // namespace keratin
