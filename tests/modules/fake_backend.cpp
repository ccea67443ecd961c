#include "tests/modules/fake_backend.h"

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <map>
#include <mutex>

#include "keratin/core/tensor/errors.h"

namespace keratin::testing {
namespace {

struct State {
  std::mutex mutex;
  std::map<std::string, long> counts;
  std::string failing;
  std::map<void*, long> sizes;
  long used = 0;
  long long free = 1ll << 30;
};
State& state() {
  static State instance;
  return instance;
}

void count(const char* call, long times = 1) {
  std::lock_guard lock(state().mutex);
  state().counts[call] += times;
  if (state().failing != call) return;
  state().failing.clear();
  throw BackendError("fake: " + std::string(call) + " failed as asked for", "fake_failure");
}

class FakeExecutable final : public Executable {
 public:
  explicit FakeExecutable(const Plan& plan) : steps_(static_cast<long>(plan.steps.size())) {}
  std::int64_t workspace_bytes() const override { return 0; }
  void bind(const Regions&) override { count("bind"); }
  void run() override {
    count("run");
    count("step", steps_);
  }
  std::string describe(int step) const override { return "fake step " + std::to_string(step); }
  std::vector<double> run_profiled() override {
    run();
    return std::vector<double>(static_cast<std::size_t>(steps_), 0.0);
  }

 private:
  long steps_;
};

class FakeBackend final : public Backend {
 public:
  explicit FakeBackend(int index) : name_("fake:" + std::to_string(index)) { count("open"); }
  DeviceInfo info() const override {
    return {.name = name_, .kind = "GPU", .description = "a device for tests", .versions = {{"fake", "1.0"}}};
  }
  MemoryInfo memory() const override {
    std::lock_guard lock(state().mutex);
    return {.total = state().free + state().used, .free = state().free, .used = state().used, .limit = limit_};
  }
  void set_memory_limit(std::int64_t bytes) override { limit_ = bytes; }
  void* allocate(std::size_t bytes) override {
    count("allocate");
    constexpr auto kAlignment = static_cast<std::size_t>(kSlotAlignment);
    const std::size_t rounded = (bytes / kAlignment + 1) * kAlignment;
    void* memory = std::aligned_alloc(kAlignment, rounded);
    if (!memory) throw OutOfMemory(name_ + ": no memory for " + std::to_string(bytes) + " bytes");
    std::memset(memory, 0, rounded);
    std::lock_guard lock(state().mutex);
    state().sizes[memory] = static_cast<long>(bytes);
    state().used += static_cast<long>(bytes);
    return memory;
  }
  void release(void* memory) override {
    count("release");
    std::lock_guard lock(state().mutex);
    const auto found = state().sizes.find(memory);
    if (found == state().sizes.end()) std::abort();  // released twice, or somebody else's
    state().used -= found->second;
    state().sizes.erase(found);
    std::free(memory);
  }
  void upload(void* to, std::span<const std::byte> from) override {
    count("upload");
    if (!from.empty()) std::memcpy(to, from.data(), from.size());
  }
  void download(std::span<std::byte> to, const void* from) override {
    count("download");
    if (!to.empty()) std::memcpy(to.data(), from, to.size());
  }
  void synchronize() override { count("synchronize"); }
  bool supports(std::string_view, const std::any&, std::span<const SpecView>,
                std::span<const SpecView>) const override {
    return true;
  }
  std::unique_ptr<Executable> prepare(const Plan& plan, const CompileOptions&) override {
    count("prepare");
    return std::make_unique<FakeExecutable>(plan);
  }

 private:
  std::string name_;
  std::atomic<std::int64_t> limit_ = 0;
};

}  // namespace

std::unique_ptr<Backend> make_fake_backend(int index) { return std::make_unique<FakeBackend>(index); }

}  // namespace keratin::testing

using keratin::testing::state;

long keratin_fake_count(const char* call) {
  std::lock_guard lock(state().mutex);
  if (std::strcmp(call, "used") == 0) return state().used;
  const auto found = state().counts.find(call);
  return found == state().counts.end() ? 0 : found->second;
}
void keratin_fake_fail_next(const char* call) {
  std::lock_guard lock(state().mutex);
  state().failing = call;
}
void keratin_fake_set_free_memory(long long bytes) {
  std::lock_guard lock(state().mutex);
  state().free = bytes;
}
void keratin_fake_reset() {
  std::lock_guard lock(state().mutex);
  state().counts.clear();
  state().failing.clear();
}
