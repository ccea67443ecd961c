// ReferenceStep: one step of a plan, decomposed for the reference backend and run there on host tensors.
#pragma once

#include <memory>
#include <vector>

#include "keratin/core/compiler/program.h"
#include "keratin/core/runtime/backend.h"

namespace keratin {

class ReferenceStep {
 public:
  // Throws BackendError when the step's op is not registered, or cannot be made of ops that the reference has.
  ReferenceStep(const Plan& plan, const Step& step, std::shared_ptr<Backend> reference);

  // Whether the op changes variables, which are its outputs.
  bool writes() const { return !written_.empty(); }
  // The outputs for these inputs. `old`: the values that the variables of a writing op have before; empty otherwise.
  std::vector<Tensor> run(const std::vector<Tensor>& inputs, const std::vector<Tensor>& old) const;

 private:
  std::shared_ptr<Backend> reference_;
  Plan plan_;
  std::vector<VariablePtr> written_;
  std::unique_ptr<Executable> executable_;
};

}  // namespace keratin
