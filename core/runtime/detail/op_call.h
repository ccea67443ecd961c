// OpCall: one use of an op, as backends prepare kernels from it; and the table in which they find the kernel.
#pragma once

#include <any>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "keratin/core/runtime/backend.h"

namespace keratin {

struct OpCall {
  std::string_view op;
  const std::any& attrs;
  std::span<const SpecView> in, out;
  Precision precision = Precision::highest;  // of float32 products and convolutions

  // nullptr when the attributes are of another type.
  template <class Attrs>
  const Attrs* attributes() const {
    return std::any_cast<Attrs>(&attrs);
  }
  bool has(std::size_t inputs, std::size_t outputs = 1) const { return in.size() == inputs && out.size() == outputs; }
};

// What a plan's step works on.
struct StepSpecs {
  std::vector<SpecView> in, out;

  StepSpecs(const Plan& plan, const Step& step) {
    const auto add = [&](const std::vector<int>& slots, std::vector<SpecView>& to) {
      for (const int slot : slots) {
        const Slot& s = plan.slots[static_cast<std::size_t>(slot)];
        to.push_back({s.shape, s.dtype});
      }
    };
    add(step.inputs, in);
    add(step.outputs, out);
  }
};

// The shape and dtype of two values agree.
inline bool same(const SpecView& a, const SpecView& b) { return a.dtype == b.dtype && a.shape == b.shape; }
inline bool is(const SpecView& spec, const Shape& shape, DType dtype) {
  return spec.dtype == dtype && spec.shape == shape;
}

// Functions that make a kernel for a call, by the op's name. They return nullptr when the backend has none for it:
// "supported" and "can be prepared" are one question.
template <class Kernel, class Call>
class BasicKernelTable {
 public:
  using Prepare = std::unique_ptr<Kernel> (*)(const Call& call);

  void add(std::string_view op, Prepare prepare) { prepare_[op] = prepare; }
  bool contains(std::string_view op) const { return prepare_.contains(op); }
  std::unique_ptr<Kernel> prepare(const Call& call) const {
    const auto found = prepare_.find(call.op);
    return found == prepare_.end() ? nullptr : found->second(call);
  }

 private:
  std::unordered_map<std::string_view, Prepare> prepare_;
};

}  // namespace keratin
