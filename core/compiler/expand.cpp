// Decomposes the ops a backend has no kernel for.
#include "keratin/core/compiler/passes.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/recurrent.h"
#include "keratin/core/ops/scan.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

bool has_kernel(const Node& node, const Values& inputs, const Backend& backend) {
  if (node.is(kInput) || node.is(kConstant) || node.is(kRead) || node.is(kAssign)) return true;
  std::vector<SpecView> input_specs, output_specs;
  for (const Value& input : inputs) input_specs.push_back({input.shape(), input.dtype()});
  for (const Spec& output : node.outputs()) output_specs.push_back({output.shape, output.dtype});
  return backend.supports(node.op().name, node.attrs(), input_specs, output_specs);
}

}  // namespace

Program open_recurrent(const Program& program, const Backend& backend) {
  return rewrite(program, [&](const NodePtr& node, const Values& inputs) -> Values {
    if ((!node->is(kRecurrent) && !node->is(kRecurrentGrad)) || has_kernel(*node, inputs, backend)) return {};
    return node->op().decompose(*node, inputs);
  });
}

Program expand(const Program& program, const Backend& backend) {
  Program current = program;
  // Decompositions may use ops that have no kernel either; real definitions are at most a few levels deep.
  for (int level = 0; level < 16; ++level) {
    bool changed = false;
    current = rewrite(current, [&](const NodePtr& node, const Values& inputs) -> Values {
      if (has_kernel(*node, inputs, backend)) return {};
      if (node->is(kScan)) {
        if (Values loop = make_loop(*node, inputs, backend); !loop.empty()) return loop;
      }
      if (!node->op().decompose) {
        std::string specs;
        for (const Value& input : inputs) specs += (specs.empty() ? "" : ", ") + input.spec().to_string();
        throw BackendError(backend.info().name + " has no kernel for op '" + std::string(node->op().name) + "' on (" +
                           specs + "), and the op has no decomposition");
      }
      changed = true;
      return node->op().decompose(*node, inputs);
    });
    if (!changed) return current;
    current = simplify(current);
  }
  throw BackendError("the decompositions of this program's ops do not end in ops that " + backend.info().name + " has");
}

}  // namespace keratin
