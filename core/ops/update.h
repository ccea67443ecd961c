// Optimizer updates of many variables at once. Each is defined by its decomposition into element-wise ops and assigns.
#pragma once

#include <vector>

#include "keratin/core/graph/node.h"

namespace keratin {

// Formulas are Keras 3's. Inputs of every update: the scalar float32 `learning_rate`, scalars named below, then one
// gradient for each variable in order. Per variable, `decay[i]` is decoupled weight decay: w -= w * decay *
// learning_rate before the step (AdamW and Keras's weight_decay).
struct UpdateAttrs {
  std::vector<VariablePtr> variables = {};
  std::vector<VariablePtr> slots = {};  // slot-major: all first slots, then all second slots
  std::vector<double> decay = {};       // one for each variable; 0: none
  double a = 0, b = 0, epsilon = 0;     // meaning below
  bool flag = false;
};

// slots: momentum when a > 0.  a: momentum; flag: nesterov.
// m = a*m - lr*g;  w += m  (nesterov: w += a*m - lr*g);   without momentum: w -= lr*g
extern const OpDef kSgdUpdate;
// slots: m, v.  a: beta_1; b: beta_2.  Extra scalar input: alpha = lr * sqrt(1 - b^t) / (1 - a^t).
// m += (g-m)*(1-a);  v += (g*g-v)*(1-b);  w -= m*alpha / (sqrt(v)+epsilon)
extern const OpDef kAdamUpdate;
// slots: velocity, and momentum when b > 0.  a: rho; b: momentum.
// v = a*v + (1-a)*g*g;  step = lr*g / sqrt(v + epsilon);  b > 0: m = b*m + step, w -= m;  else w -= step
extern const OpDef kRmspropUpdate;

namespace ops {
// The write node of an update. `scalars`: learning_rate first, then the extra ones. Throws InvalidArgument when shapes
// do not agree.
NodePtr apply_update(const OpDef& update, UpdateAttrs attrs, Values scalars, Values gradients);
}  // namespace ops

}  // namespace keratin
