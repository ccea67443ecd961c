// Constants: matrices with a diagonal, numbers in steps, windows of signals.
#pragma once

#include "keratin/core/graph/node.h"

namespace keratin::ops {

Value full_like(Value x, double value);
// (rows, columns), 1 on diagonal k and 0 elsewhere; columns 0: as many as rows.
Value eye(std::int64_t rows, std::int64_t columns = 0, int k = 0, DType dtype = DType::float32);
Value tri(std::int64_t rows, std::int64_t columns = 0, int k = 0, DType dtype = DType::float32);  // 1 also below it
// `num` numbers from start to stop, which is left out without `endpoint`. Throw InvalidArgument for a negative num.
Value linspace(double start, double stop, std::int64_t num = 50, bool endpoint = true, DType dtype = DType::float32);
Value logspace(double start, double stop, std::int64_t num = 50, bool endpoint = true, double base = 10,
               DType dtype = DType::float32);  // base to the power of them
Value geomspace(double start, double stop, std::int64_t num = 50, bool endpoint = true,
                DType dtype = DType::float32);  // with equal ratios; both of one sign, not 0

// Windows of n numbers, float32.
Value bartlett(std::int64_t n);
Value blackman(std::int64_t n);
Value hamming(std::int64_t n);
Value hanning(std::int64_t n);
Value kaiser(std::int64_t n, double beta);

}  // namespace keratin::ops
