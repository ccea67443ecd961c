// Scans as loops: the body compiled once, to be run for every step.
#include "keratin/core/compiler/passes.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/scan.h"

namespace keratin {
namespace {

// The body as a program of its own, by ops the backend has. Its numbers become inputs: in the plan around it they are
// constants, written once. `constants` gets them.
Program compile_body(const ScanBody& body, const Backend& backend, Values& constants) {
  Program program{.name = "scan", .inputs = {}, .outputs = {}, .updates = {}, .gradients = {}};
  for (const Value& input : body.inputs) program.inputs.push_back(input_value("x", input.spec()));
  program.outputs = substitute(body.outputs, body.inputs, program.inputs);
  program = group(simplify(expand(fuse(simplify(program), backend), backend)), backend);
  Values stand_ins;
  for (const NodePtr& node : topological_order(program.roots())) {
    if (!node->is(kConstant)) continue;
    constants.push_back(node->output());
    stand_ins.push_back(input_value("number", node->outputs()[0]));
  }
  program.outputs = substitute(program.outputs, constants, stand_ins);
  program.inputs.insert(program.inputs.end(), stand_ins.begin(), stand_ins.end());
  return program;
}

}  // namespace

Values make_loop(const Node& scan, const Values& inputs, const Backend& backend) {
  ScanAttrs attrs = scan.attrs_as<ScanAttrs>();
  Values arguments = inputs, constants;
  const Program body = compile_body(*attrs.body, backend, constants);
  arguments.insert(arguments.end(), constants.begin(), constants.end());
  // The body as it is computed remains the definition of the loop.
  attrs.body = std::make_shared<const ScanBody>(ScanBody{body.inputs, body.outputs});
  attrs.plan = std::make_shared<const Plan>(place(body, {.direct_outputs = true}));
  std::vector<SpecView> input_specs, output_specs;
  for (const Value& argument : arguments) input_specs.push_back({argument.shape(), argument.dtype()});
  for (const Spec& output : scan.outputs()) output_specs.push_back({output.shape, output.dtype});
  if (!backend.supports(kScan.name, attrs, input_specs, output_specs)) return {};
  return apply_scan(std::move(attrs), std::move(arguments));
}

}  // namespace keratin
