// StubBackend: answers "supported" from a list and cannot run; for looking at what the compiler's passes do.
#pragma once

#include <algorithm>
#include <set>
#include <string>

#include "keratin/core/runtime/backend.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::testing {

class StubBackend final : public Backend {
 public:
  // Every op except these has a kernel.
  explicit StubBackend(std::set<std::string, std::less<>> unsupported = {}) : unsupported_(std::move(unsupported)) {}
  DeviceInfo info() const override { return {.name = "stub:0", .kind = "CPU", .description = "stub", .versions = {}}; }
  MemoryInfo memory() const override { return {}; }
  void set_memory_limit(std::int64_t) override {}
  void* allocate(std::size_t) override { throw BackendError("the stub has no memory"); }
  void release(void*) override {}
  void upload(void*, std::span<const std::byte>) override {}
  void download(std::span<std::byte>, const void*) override {}
  void synchronize() override {}
  bool supports(std::string_view op, const std::any&, std::span<const SpecView>,
                std::span<const SpecView>) const override {
    return !unsupported_.contains(op);
  }
  std::unique_ptr<Executable> prepare(const Plan&, const CompileOptions&) override { return nullptr; }

 private:
  std::set<std::string, std::less<>> unsupported_;
};

inline std::vector<std::string> op_names(const Plan& plan) {
  std::vector<std::string> names;
  for (const Step& step : plan.steps) names.emplace_back(step.op);
  return names;
}

inline bool has_op(const Plan& plan, std::string_view op) {
  return std::any_of(plan.steps.begin(), plan.steps.end(), [&](const Step& step) { return step.op == op; });
}

}  // namespace keratin::testing
