#include "keratin/core/compiler/detail/reference_step.h"

#include <algorithm>

#include "keratin/core/compiler/passes.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/ops/registry.h"
#include "keratin/core/runtime/plan_instance.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

std::span<const std::byte> bytes_of(const Tensor& tensor) {
  return {static_cast<const std::byte*>(tensor.raw()), tensor.bytes()};
}

}  // namespace

ReferenceStep::ReferenceStep(const Plan& plan, const Step& step, std::shared_ptr<Backend> reference)
    : reference_(std::move(reference)) {
  const OpDef* op = find_op(step.op);
  if (!op) {
    throw BackendError("KERATIN_VALIDATE: op '" + std::string(step.op) +
                       "' is not in core/ops/registry.cpp; add it there");
  }
  Program program{.name = plan.name, .inputs = {}, .outputs = {}, .updates = {}, .gradients = {}};
  for (std::size_t i = 0; i < step.inputs.size(); ++i) {
    const Slot& slot = plan.slots[static_cast<std::size_t>(step.inputs[i])];
    program.inputs.push_back(input_value("input" + std::to_string(i), {slot.shape, slot.dtype}));
  }
  const Values outputs = apply(*op, step.attrs, program.inputs);
  if (op->effect == Effect::writes) {
    written_ = op->written(step.attrs);
    program.updates = {outputs.front().node()};
  } else {
    program.outputs = outputs;
  }
  plan_ = place(expand(program, *reference_));
  executable_ = reference_->prepare(plan_, {});
}

std::vector<Tensor> ReferenceStep::run(const std::vector<Tensor>& inputs, const std::vector<Tensor>& old) const {
  // New memory every time: the reference fills it with NaN, so that nothing of an earlier step can pass for a result.
  auto block = [&](std::int64_t bytes) {
    return DeviceBlock(reference_, static_cast<std::size_t>(std::max<std::int64_t>(bytes, 1)));
  };
  const DeviceBlock feed = block(plan_.feed_bytes), scratch = block(plan_.scratch_bytes),
                    workspace = block(executable_->workspace_bytes());
  auto in_feed = [&](int slot) { return feed.address() + plan_.slots[static_cast<std::size_t>(slot)].offset; };
  for (const PlanConstant& constant : plan_.constants) {
    reference_->upload(in_feed(constant.slot), bytes_of(constant.value));
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) reference_->upload(in_feed(plan_.inputs[i]), bytes_of(inputs[i]));

  std::vector<std::unique_ptr<DeviceBlock>> variables;
  for (const Tensor& value : old) {
    variables.push_back(std::make_unique<DeviceBlock>(reference_, std::max<std::size_t>(value.bytes(), 1)));
    reference_->upload(variables.back()->address(), bytes_of(value));
  }
  std::vector<void*> state;
  for (const VariablePtr& variable : plan_.variables) {
    const auto found = std::find(written_.begin(), written_.end(), variable);
    if (found == written_.end()) {
      throw BackendError("KERATIN_VALIDATE: the op reads variable " + variable->path() +
                         ", which is neither an input nor an output of it");
    }
    state.push_back(variables[static_cast<std::size_t>(found - written_.begin())]->address());
  }
  executable_->bind(
      {.state = state, .feed = feed.address(), .scratch = scratch.address(), .workspace = workspace.address()});
  executable_->run();

  std::vector<Tensor> results;
  auto fetch = [&](const Spec& spec, const void* address) {
    results.emplace_back(spec.shape, spec.dtype);
    reference_->download({static_cast<std::byte*>(results.back().raw()), results.back().bytes()}, address);
  };
  for (std::size_t i = 0; i < old.size(); ++i) fetch({old[i].shape(), old[i].dtype()}, variables[i]->address());
  for (int slot : plan_.outputs) {
    const Slot& s = plan_.slots[static_cast<std::size_t>(slot)];
    fetch({s.shape, s.dtype}, in_feed(slot));
  }
  return results;
}

}  // namespace keratin
