// Shape inference for unknown sizes by inference for known ones.
#pragma once

#include <span>
#include <vector>

#include "keratin/core/graph/spec.h"

namespace keratin {

// Runs `infer` on specs with unknown sizes: twice with different stand-ins for each unknown; sizes that change are
// unknown. (Keras's compute_output_spec does the same.)
template <class Infer>
std::vector<Spec> infer_with_unknowns(std::span<const Spec> inputs, Infer&& infer) {
  // Odd primes, large enough for usual kernels and pools over unknown image sizes.
  constexpr std::int64_t kFirst = 83, kSecond = 89;
  std::vector<Spec> known(inputs.begin(), inputs.end());
  bool any_unknown = false;
  auto substitute = [&](std::int64_t stand_in) {
    for (std::size_t i = 0; i < known.size(); ++i) {
      for (int axis = 0; axis < known[i].shape.rank(); ++axis) {
        if (inputs[i].shape[axis] != kUnknown) continue;
        known[i].shape[axis] = stand_in;
        any_unknown = true;
      }
    }
  };
  substitute(kFirst);
  std::vector<Spec> result = infer(std::span<const Spec>(known));
  if (!any_unknown) return result;
  substitute(kSecond);
  const std::vector<Spec> other = infer(std::span<const Spec>(known));
  for (std::size_t i = 0; i < result.size(); ++i) {
    for (int axis = 0; axis < result[i].shape.rank(); ++axis) {
      if (result[i].shape[axis] != other[i].shape[axis]) result[i].shape[axis] = kUnknown;
    }
  }
  return result;
}

}  // namespace keratin
