// Element-wise ops: one element of the result depends on the same element of the operands.
#pragma once

#include "keratin/core/graph/leaves.h"
#include "keratin/core/graph/node.h"

namespace keratin {

// Unary ops; no attributes. The result has x's shape; its dtype is x's unless said otherwise. Integers are allowed for
// negative, abs, square and sign; the others throw InvalidArgument for them.
extern const OpDef kNegative, kAbs, kSquare, kSqrt, kRsqrt, kReciprocal, kExp, kExpm1, kLog, kLog1p, kSin, kCos, kTanh,
    kSigmoid, kSoftplus, kErf, kArctan, kRelu, kFloor, kCeil, kRound, kSign;
extern const OpDef kIsFinite, kIsNan, kLogicalNot;  // bool results; logical_not takes bool

// Binary ops; no attributes. Operands broadcast as in NumPy; backends get operands of equal dtype.
extern const OpDef kAdd, kSubtract, kMultiply, kDivide, kPower, kMaximum, kMinimum;  // dtype of the operands
extern const OpDef kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual;    // bool
extern const OpDef kLogicalAnd, kLogicalOr;                                          // bool, from bool

// Gradients that are cheaper from the result than from the argument: inputs (dy, y). Defined by their decomposition.
extern const OpDef kReluGrad;     // dy where y > 0, else 0
extern const OpDef kSigmoidGrad;  // dy * y * (1 - y)
extern const OpDef kTanhGrad;     // dy * (1 - y * y)

extern const OpDef kWhere;  // inputs (condition: bool, a, b), broadcast

struct CastAttrs {
  DType dtype = DType::float32;
};
extern const OpDef kCast;  // floating to integer truncates; to bool: x != 0

// The dtype two operands meet in: float64 > float32 > int64 > int32 > uint8 > bool. (Keras: a float wins over an int.)
DType promote(DType a, DType b);

namespace ops {

Value negative(Value x);
Value abs(Value x);
Value square(Value x);
Value sqrt(Value x);
Value rsqrt(Value x);  // 1 / sqrt(x)
Value reciprocal(Value x);
Value exp(Value x);
Value expm1(Value x);
Value log(Value x);
Value log1p(Value x);
Value sin(Value x);
Value cos(Value x);
Value tanh(Value x);
Value sigmoid(Value x);
Value softplus(Value x);  // log(1 + exp(x)), without overflow
Value erf(Value x);
Value arctan(Value x);
Value relu(Value x);
Value floor(Value x);
Value ceil(Value x);
Value round(Value x);  // to nearest, ties to even
Value sign(Value x);
Value isfinite(Value x);
Value isnan(Value x);
Value logical_not(Value x);

// Operands broadcast and meet in promote()'s dtype; a number takes the other operand's dtype.
Value add(Value a, Value b);
Value subtract(Value a, Value b);
Value multiply(Value a, Value b);
Value divide(Value a, Value b);  // integers are divided as float32
Value power(Value a, Value b);   // integers as float32
Value maximum(Value a, Value b);
Value minimum(Value a, Value b);
Value equal(Value a, Value b);
Value not_equal(Value a, Value b);
Value less(Value a, Value b);
Value less_equal(Value a, Value b);
Value greater(Value a, Value b);
Value greater_equal(Value a, Value b);
Value logical_and(Value a, Value b);
Value logical_or(Value a, Value b);

Value where(Value condition, Value a, Value b);
Value cast(Value x, DType dtype);
Value clip(Value x, double low, double high);
// The same value, through which no gradient flows.
Value stop_gradient(Value x);

}  // namespace ops

extern const OpDef kStopGradient;  // the identity; its gradient is empty

inline Value operator+(const Value& a, const Value& b) { return ops::add(a, b); }
inline Value operator-(const Value& a, const Value& b) { return ops::subtract(a, b); }
inline Value operator*(const Value& a, const Value& b) { return ops::multiply(a, b); }
inline Value operator/(const Value& a, const Value& b) { return ops::divide(a, b); }
inline Value operator-(const Value& a) { return ops::negative(a); }

}  // namespace keratin
