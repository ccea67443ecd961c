// Softmax and the cross-entropies of class probabilities.
#pragma once

#include "keratin/core/graph/node.h"

namespace keratin {

// Over the last axis (ops::softmax moves another axis there). Defined by decomposition: exp(x - max) / sum.
extern const OpDef kSoftmax;
extern const OpDef kSoftmaxGrad;  // dx from (dy, y):  y * (dy - sum(dy * y))
extern const OpDef kLogSoftmax;
extern const OpDef kLogSoftmaxGrad;  // dx from (dy, y):  dy - exp(y) * sum(dy)

// Per-row loss of integer labels: inputs x (..., classes) floating, labels (...) int32 -> (...).
// from_logits: logsumexp(x) - x[label]. Otherwise, as Keras: x is divided by its sum, clipped to [1e-7, 1 - 1e-7],
// and the loss is -log(x[label]). A label outside [0, classes) gives NaN, in the row's loss and in its gradient.
struct SparseCrossentropyAttrs {
  bool from_logits = false;
};
extern const OpDef kSparseCrossentropy;
extern const OpDef kSparseCrossentropyGrad;  // dx from (dy, x, labels); SparseCrossentropyAttrs

namespace ops {
Value softmax(Value x, int axis = -1);
Value log_softmax(Value x, int axis = -1);
// 1 where the index on the new last axis equals the label; labels outside [0, classes) give a row of zeros.
Value one_hot(Value labels, std::int64_t classes, DType dtype = DType::float32);
// Losses per row; targets have the class axis (categorical), or not (sparse: labels of any integer or floating dtype).
Value sparse_categorical_crossentropy(Value labels, Value x, bool from_logits = false);
Value categorical_crossentropy(Value target, Value x, bool from_logits = false);
// Element-wise; without logits x is clipped to [1e-7, 1 - 1e-7], as in Keras.
Value binary_crossentropy(Value target, Value x, bool from_logits = false);
}  // namespace ops

}  // namespace keratin
