// WrongBackend: the CPU backend under another name, with one op that gives a wrong number.
#include <cstring>
#include <mutex>

#include "keratin/core/runtime/module.h"
#include "tests/modules/fake_backend.h"

namespace keratin::testing {
namespace {

std::mutex wrong_mutex;
std::string wrong_op;

std::string get_wrong_op() {
  std::lock_guard lock(wrong_mutex);
  return wrong_op;
}

// A plan for each step, so that the fault strikes right after its step whatever reuses the memory later.
class WrongExecutable final : public Executable {
 public:
  WrongExecutable(const Plan& plan, const CompileOptions& options, Backend& cpu)
      : plan_(plan), wrong_op_(get_wrong_op()) {
    for (const Step& step : plan_.steps) {
      Plan single = plan_;
      single.steps = {step};
      steps_.push_back(cpu.prepare(single, options));
    }
  }
  std::int64_t workspace_bytes() const override {
    std::int64_t bytes = 0;
    for (const auto& step : steps_) bytes = std::max(bytes, step->workspace_bytes());
    return bytes;
  }
  void bind(const Regions& regions) override {
    for (const auto& step : steps_) step->bind(regions);
    results_.clear();
    for (const Step& step : plan_.steps) {
      const Slot& slot = plan_.slots[static_cast<std::size_t>(step.outputs.at(0))];
      const auto at = static_cast<std::size_t>(slot.offset);
      results_.push_back(slot.region == Region::state  ? static_cast<std::byte*>(regions.state[at])
                         : slot.region == Region::feed ? static_cast<std::byte*>(regions.feed) + at
                                                       : static_cast<std::byte*>(regions.scratch) + at);
    }
  }
  void run() override {
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      steps_[i]->run();
      const Step& step = plan_.steps[i];
      const Slot& slot = plan_.slots[static_cast<std::size_t>(step.outputs[0])];
      if (step.op != wrong_op_ || slot.dtype != DType::float32 || slot.shape.size() == 0) continue;
      std::byte* const element = results_[i] + slot.shape.size() / 2 * 4;
      float value = 0;
      std::memcpy(&value, element, sizeof value);
      value += 1;
      std::memcpy(element, &value, sizeof value);
    }
  }
  std::string describe(int step) const override {
    return "wrong copy of " + steps_.at(static_cast<std::size_t>(step))->describe(0);
  }
  std::vector<double> run_profiled() override {
    run();
    return std::vector<double>(steps_.size(), 0.0);
  }

 private:
  Plan plan_;
  std::string wrong_op_;
  std::vector<std::unique_ptr<Executable>> steps_;
  std::vector<std::byte*> results_;  // of each step
};

class WrongBackend final : public Backend {
 public:
  explicit WrongBackend(const std::string& device) : name_(device), cpu_(cpu_module().open(0)) {}
  DeviceInfo info() const override {
    DeviceInfo info = cpu_->info();
    info.name = name_;
    return info;
  }
  MemoryInfo memory() const override { return cpu_->memory(); }
  void set_memory_limit(std::int64_t bytes) override { cpu_->set_memory_limit(bytes); }
  void* allocate(std::size_t bytes) override { return cpu_->allocate(bytes); }
  void release(void* memory) override { cpu_->release(memory); }
  void upload(void* to, std::span<const std::byte> from) override { cpu_->upload(to, from); }
  void download(std::span<std::byte> to, const void* from) override { cpu_->download(to, from); }
  void synchronize() override { cpu_->synchronize(); }
  // As a GPU: data sets are copied, and the reference must not be given the device's addresses.
  bool shares_host_memory() const override { return false; }
  bool supports(std::string_view op, const std::any& attrs, std::span<const SpecView> inputs,
                std::span<const SpecView> outputs) const override {
    return cpu_->supports(op, attrs, inputs, outputs);
  }
  std::unique_ptr<Executable> prepare(const Plan& plan, const CompileOptions& options) override {
    return std::make_unique<WrongExecutable>(plan, options, *cpu_);
  }

 private:
  std::string name_;
  std::unique_ptr<Backend> cpu_;
};

}  // namespace

std::unique_ptr<Backend> make_wrong_backend(const std::string& device) {
  return std::make_unique<WrongBackend>(device);
}

}  // namespace keratin::testing

void keratin_fake_set_wrong_op(const char* op) {
  std::lock_guard lock(keratin::testing::wrong_mutex);
  keratin::testing::wrong_op = op;
}
