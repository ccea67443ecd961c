// What stands behind KERATIN_VALIDATE=1 (core/runtime/detail/validation.h): the device and the reference compute the
// same step from the same inputs, and the first step they do not agree on is named.
#include <cmath>
#include <random>

#include "keratin/core/compiler/detail/reference_step.h"
#include "keratin/core/ops/gather.h"
#include "keratin/core/runtime/detail/difference.h"
#include "keratin/core/runtime/detail/single_step.h"
#include "keratin/core/runtime/detail/validation.h"
#include "keratin/core/runtime/device.h"
#include "keratin/core/tensor/errors.h"

namespace keratin {
namespace {

// The inputs are nudged so many times, each time by about the rounding errors a device may make.
constexpr int kNudges = 4;
constexpr int kNudgesForTies = 20;
constexpr double kNudge = 1.0 / 40;  // of the relative tolerance
constexpr double kSlackFactor = 16;  // how many times the reference's own reaction to a nudge a device may be off

// A copy with every float moved up or down, relative to its size.
Tensor nudged(const Tensor& tensor, Precision precision, std::mt19937_64& random) {
  Tensor result = tensor.clone();
  const double step = relative_tolerance(tensor.dtype(), precision) * kNudge;
  if (step == 0) return result;
  visit_dtype(tensor.dtype(), [&]<class T>() {
    for (T& value : result.values<T>()) {
      value = static_cast<T>(static_cast<double>(value) * (1 + (random() & 1 ? step : -step)));
    }
  });
  return result;
}
std::vector<Tensor> nudged(const std::vector<Tensor>& tensors, Precision precision, std::mt19937_64& random) {
  std::vector<Tensor> result;
  for (const Tensor& tensor : tensors) result.push_back(nudged(tensor, precision, random));
  return result;
}

class Validator final : public PlanValidator {
 public:
  Validator(const Plan& plan, const CompileOptions& options, std::shared_ptr<Backend> device,
            const std::shared_ptr<Backend>& reference)
      : plan_(plan), precision_(options.precision), device_(std::move(device)) {
    for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
      SingleStep single = single_step(plan_, i);
      std::unique_ptr<Executable> executable = device_->prepare(single.plan, options);
      workspace_bytes_ = std::max(workspace_bytes_, executable->workspace_bytes());
      checks_.push_back(
          {std::move(single.variables), std::move(executable), ReferenceStep(plan_, plan_.steps[i], reference)});
    }
  }

  std::int64_t workspace_bytes() const override { return workspace_bytes_; }

  void run(const Regions& regions) override {
    for (std::size_t i = 0; i < checks_.size(); ++i) run_step(i, regions);
  }

 private:
  struct Check {
    std::vector<std::size_t> variables;
    std::unique_ptr<Executable> executable;
    ReferenceStep reference;
  };

  void run_step(std::size_t index, const Regions& regions) {
    const Check& check = checks_[index];
    const Step& step = plan_.steps[index];
    std::vector<void*> state;
    for (std::size_t variable : check.variables) state.push_back(regions.state[variable]);
    check.executable->bind(
        {.state = state, .feed = regions.feed, .scratch = regions.scratch, .workspace = regions.workspace});
    // Before the step: it may compute in the memory of its operands.
    std::vector<Tensor> inputs = fetch(step.inputs, regions), old;
    if (check.reference.writes()) old = fetch(step.outputs, regions);
    check.executable->run();
    const std::vector<Tensor> got = fetch(step.outputs, regions);
    const Tensor rows = step.op == kBatchGather.name ? rows_on_host(step, inputs) : Tensor();
    const std::vector<Tensor> expected = check.reference.run(inputs, old);
    for (std::size_t i = 0; i < got.size(); ++i) {
      const double relative = relative_tolerance(expected[i].dtype(), precision_);
      std::optional<Difference> found = difference(got[i], expected[i], relative);
      // A sum of large numbers that cancel is no better than the numbers: allow what rounding the inputs would change.
      if (found && relative > 0) {
        found = difference(got[i], expected[i], relative, slack(check.reference, inputs, old, expected[i], i, kNudges));
      }
      if (found && relative == 0 && are_ties(got[i], expected[i], [&] {
            return slack(check.reference, inputs, old, expected[i], i, kNudgesForTies);
          })) {
        found.reset();
      }
      if (found) fail(index, i, expected[i], *found);
    }
  }

  std::vector<Tensor> fetch(const std::vector<int>& slots, const Regions& regions) const {
    std::vector<Tensor> result;
    for (int slot : slots) {
      const Slot& s = plan_.slots[static_cast<std::size_t>(slot)];
      const void* address = s.region == Region::state  ? regions.state[static_cast<std::size_t>(s.offset)]
                            : s.region == Region::feed ? static_cast<const std::byte*>(regions.feed) + s.offset
                                                       : static_cast<const std::byte*>(regions.scratch) + s.offset;
      result.emplace_back(s.shape, s.dtype);
      device_->download({static_cast<std::byte*>(result.back().raw()), result.back().bytes()}, address);
    }
    return result;
  }

  // The reference cannot read the device's memory: it gathers from a copy of the data, which must be kept meanwhile.
  Tensor rows_on_host(const Step& step, std::vector<Tensor>& inputs) const {
    if (device_->shares_host_memory()) return {};
    const auto& attrs = std::any_cast<const BatchGatherAttrs&>(step.attrs);
    std::int64_t& base = inputs[0].values<std::int64_t>()[0];
    const auto cursor = inputs[1].values<std::int64_t>();
    const std::int64_t rows = cursor[kCursorFirst] + cursor[kCursorRows];
    if (base == 0 || cursor[kCursorRows] <= 0 || cursor[kCursorFirst] < 0) return {};
    Tensor copy(Shape{rows}.concat(attrs.row_shape), attrs.from);
    device_->download({static_cast<std::byte*>(copy.raw()), copy.bytes()},
                      reinterpret_cast<const void*>(static_cast<std::intptr_t>(base)));
    base = static_cast<std::int64_t>(reinterpret_cast<std::intptr_t>(copy.raw()));
    return copy;
  }

  // Which of several numbers is the greatest, say, may hang on how they were rounded: whether integers differ only
  // where nudges change them, too.
  template <class Slack>
  static bool are_ties(const Tensor& got, const Tensor& expected, Slack&& slack_of) {
    const std::vector<double> slack = slack_of();
    return visit_dtype(expected.dtype(), [&]<class T>() {
      const auto a = got.values<T>();
      const auto b = expected.values<T>();
      for (std::size_t k = 0; k < a.size(); ++k) {
        if (a[k] != b[k] && slack[k] == 0) return false;
      }
      return true;
    });
  }

  // How far each element of an output moves when the inputs are rounded otherwise, with a margin.
  std::vector<double> slack(const ReferenceStep& reference, const std::vector<Tensor>& inputs,
                            const std::vector<Tensor>& old, const Tensor& expected, std::size_t output,
                            int nudges) const {
    std::vector<double> result(static_cast<std::size_t>(expected.size()), 0.0);
    std::mt19937_64 random(1);  // the same verdict in every run
    for (int i = 0; i < nudges; ++i) {
      const Tensor moved = reference.run(nudged(inputs, precision_, random), nudged(old, precision_, random))[output];
      visit_dtype(expected.dtype(), [&]<class T>() {
        const auto a = moved.values<T>();
        const auto b = expected.values<T>();
        for (std::size_t k = 0; k < a.size(); ++k) {
          const double distance = std::abs(static_cast<double>(a[k]) - static_cast<double>(b[k])) * kSlackFactor;
          if (std::isfinite(distance)) result[k] = std::max(result[k], distance);
        }
      });
    }
    return result;
  }

  [[noreturn]] void fail(std::size_t index, std::size_t output, const Tensor& expected, const Difference& d) const {
    const Step& step = plan_.steps[index];
    std::string where = "output";
    if (step.outputs.size() > 1) where += " " + std::to_string(output);
    const Slot& slot = plan_.slots[static_cast<std::size_t>(step.outputs[output])];
    if (slot.region == Region::state) {
      where += " " + plan_.variables[static_cast<std::size_t>(slot.offset)]->path();
    }
    const std::string limits =
        d.allowed > 0 ? " (" + format(d.distance) + " apart, " + format(d.allowed) + " allowed)" : "";
    throw BackendError("plan '" + plan_.name + "', step " + std::to_string(index) + ": " + step.description +
                           (step.scope.empty() ? "" : " in layer " + step.scope) + ", computed on " +
                           device_->info().name + " by '" + checks_[index].executable->describe(0) +
                           "', differs from the reference in " + std::to_string(d.elements) + " of " +
                           std::to_string(expected.size()) + " elements of its " + where + ", " +
                           std::string(name_of(expected.dtype())) + " " + expected.shape().to_string() + "; worst at " +
                           d.position + ": " + d.value + ", the reference has " + d.expected + limits +
                           ". All steps before it agree; look at this kernel, or at the op's decomposition.",
                       "wrong_result");
  }

  static std::string format(double number) {
    char text[32];
    std::snprintf(text, sizeof text, "%.3g", number);
    return text;
  }

  Plan plan_;
  Precision precision_;
  std::shared_ptr<Backend> device_;
  std::vector<Check> checks_;
  std::int64_t workspace_bytes_ = 0;
};

std::shared_ptr<Backend> open_reference() {
  try {
    return open_device("reference:0");
  } catch (const DeviceError& error) {
    throw DeviceNotFound("KERATIN_VALIDATE=1 needs the reference backend: " + std::string(error.what()) +
                             ". It comes with the tests: build the target keratin_reference (-DKERATIN_BUILD_TESTS=ON, "
                             "shared libraries) and put <build>/modules into KERATIN_BACKEND_PATH",
                         error.cause());
  }
}

}  // namespace

std::unique_ptr<PlanValidator> make_plan_validator(const Plan& plan, const CompileOptions& options,
                                                   const std::shared_ptr<Backend>& backend) {
  const std::shared_ptr<Backend> reference = open_reference();
  if (reference == backend) return nullptr;
  return std::make_unique<Validator>(plan, options, backend, reference);
}

}  // namespace keratin
