// Connectionist temporal classification: how likely labels are when only their order is known, not their times.
#pragma once

#include "keratin/core/graph/node.h"

namespace keratin::ops {

// -ln of the probability that `output` spells `target` (Graves et al., 2006): summed over all ways to repeat labels in
// time and to put blanks (`mask_index`) between them, of which two equal labels in a row need one.
// target: (n, labels), class numbers, of which the first target_length count; output: (n, time, classes), logits, of
// which the first output_length steps count; lengths: (n,), integers. Result: (n,).
// Labels that do not fit into the time give a loss of 1e5 or more, as in Keras.
// Throws InvalidArgument for other ranks and for sizes that do not agree.
Value ctc_loss(Value target, Value output, Value target_length, Value output_length, int mask_index = 0);

}  // namespace keratin::ops
