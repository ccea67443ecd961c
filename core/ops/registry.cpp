#include "keratin/core/ops/registry.h"

#include <algorithm>

#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/fused_elementwise.h"
#include "keratin/core/ops/ops.h"
#include "keratin/core/ops/recurrent.h"

namespace keratin {
namespace {

constinit const OpDef* const kAll[] = {
    // leaves
    &kInput, &kConstant, &kRead, &kAssign,
    // unary
    &kNegative, &kAbs, &kSquare, &kSqrt, &kRsqrt, &kReciprocal, &kExp, &kExpm1, &kLog, &kLog1p, &kSin, &kCos, &kTanh,
    &kSigmoid, &kSoftplus, &kErf, &kArctan, &kRelu, &kFloor, &kCeil, &kRound, &kSign, &kIsFinite, &kIsNan, &kLogicalNot,
    &kReluGrad, &kSigmoidGrad, &kTanhGrad, &kCast, &kStopGradient,
    // binary and ternary
    &kAdd, &kSubtract, &kMultiply, &kDivide, &kPower, &kMaximum, &kMinimum, &kEqual, &kNotEqual, &kLess, &kLessEqual,
    &kGreater, &kGreaterEqual, &kLogicalAnd, &kLogicalOr, &kWhere,
    // matrices and images
    &kMatMul, &kMatMulFused, &kConv2D, &kConv2DInputGrad, &kConv2DKernelGrad, &kConv2DFused, &kConv2DNormalized,
    &kMaxPool2D, &kMaxPool2DGrad, &kMaxPool2DIndex, &kMaxPool2DIndexGrad, &kConv2DPool, &kConv2DPoolKernelGrad,
    &kAveragePool2D, &kAveragePool2DGrad,
    // reductions, shaping, softmax
    &kSum, &kMean, &kMax, &kMin, &kProd, &kArgMax, &kArgsort, &kCumsum, &kReshape, &kTranspose, &kBroadcastTo,
    &kConcatenate, &kSlice, &kPad, &kIota, &kSoftmax, &kSoftmaxGrad, &kLogSoftmax, &kLogSoftmaxGrad,
    &kSparseCrossentropy, &kSparseCrossentropyGrad,
    // loops, and several ops as one
    &kScan, &kRecurrent, &kRecurrentGrad, &kFusedElementwise,
    // rows, random numbers, updates
    &kTake, &kTakeGrad, &kBatchGather, &kAdvance, &kRandomUniform, &kDropout, &kSgdUpdate, &kAdamUpdate,
    &kRmspropUpdate};

}  // namespace

std::span<const OpDef* const> all_ops() { return kAll; }

const OpDef* find_op(std::string_view name) {
  const auto found = std::find_if(std::begin(kAll), std::end(kAll), [&](const OpDef* op) { return op->name == name; });
  return found == std::end(kAll) ? nullptr : *found;
}

}  // namespace keratin
