// Plans on a device: what is allocated, copied and run, counted by the fake module.
#include "keratin/core/runtime/plan_instance.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include "keratin/core/runtime/device.h"
#include "keratin/core/tensor/errors.h"
#include "tests/modules/fake_backend.h"
#include "tests/support/hand_made_plan.h"
#include "tests/support/modules.h"

namespace keratin::testing {
namespace {

class PlanInstanceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!have_modules()) GTEST_SKIP() << "a static build has no backend modules";
    const std::string folder = fake_module_folder("healthy");
    const ScopedEnvironment scoped("KERATIN_BACKEND_PATH", folder.c_str());
    device_ = open_device("fake:0");
    library_ = dlopen((folder + "/libkeratin_fake.so").c_str(), RTLD_NOW | RTLD_NOLOAD);
    ASSERT_NE(library_, nullptr);
    function<void()>("keratin_fake_reset")();
    used_before_ = count("used");
  }
  void TearDown() override {
    if (!library_) return;
    EXPECT_EQ(count("used"), used_before_) << "memory was not released";
  }
  template <class F>
  F* function(const char* name) const {
    return reinterpret_cast<F*>(dlsym(library_, name));
  }
  long count(const char* call) const { return function<long(const char*)>("keratin_fake_count")(call); }
  void fail_next(const char* call) const { function<void(const char*)>("keratin_fake_fail_next")(call); }
  void set_free_memory(long long bytes) const { function<void(long long)>("keratin_fake_set_free_memory")(bytes); }

  // w += x, with one scratch slot.
  static HandMadePlan accumulate(const VariablePtr& w) {
    HandMadePlan plan;
    const int state = plan.variable(w, true), x = plan.input(Tensor(w->shape()));
    const int sum = plan.scratch({w->shape(), w->dtype()});
    plan.step("add", {}, {state, x}, {sum});
    plan.step("assign", {}, {sum}, {state});
    return plan;
  }
  static VariablePtr ones(Shape shape) {
    return std::make_shared<VariableState>("w", shape, DType::float32, [shape] { return Tensor::full(shape, 1); });
  }
  std::shared_ptr<Arena> arena() const { return std::make_shared<Arena>(device_); }

  std::shared_ptr<Backend> device_;
  void* library_ = nullptr;
  long used_before_ = 0;
};

TEST_F(PlanInstanceTest, AllocatesOnceAndUploadsOnlyWhatChanged) {
  const VariablePtr w = ones({100});
  {
    PlanInstance instance(accumulate(w).plan(), {}, arena());
    EXPECT_EQ(count("allocate"), 0);
    instance.allocate();
    const long allocations = count("allocate"), uploads = count("upload");
    for (int i = 0; i < 3; ++i) instance.run();
    EXPECT_EQ(count("run"), 3);
    EXPECT_EQ(count("step"), 6);
    EXPECT_EQ(count("bind"), 1);
    EXPECT_EQ(count("allocate"), allocations);
    EXPECT_EQ(count("upload"), uploads + 1) << "the variable, before the first run";

    w->set_value(Tensor::full({100}, 5));
    instance.run();
    EXPECT_EQ(count("upload"), uploads + 2) << "again after the host changed it";
    EXPECT_EQ(w->value().at({99}), 5.0);
    EXPECT_EQ(count("download"), 1) << "the device wrote it";
  }
  w->move_to(nullptr);
}

TEST_F(PlanInstanceTest, SaysWhatItWillAllocate) {
  const VariablePtr w = ones({100});
  {
    PlanInstance instance(accumulate(w).plan(), {}, arena());
    EXPECT_EQ(instance.bytes_to_allocate(), 512 + 512 + 512);  // variable, input and scratch of 400 bytes
    const long before = count("used");
    instance.allocate();
    EXPECT_EQ(count("used") - before, 512 + 512 + 512);
    EXPECT_EQ(instance.bytes_to_allocate(), 0);
  }
  w->move_to(nullptr);
}

TEST_F(PlanInstanceTest, APlanThatDoesNotFitIsRefusedBeforeAnythingIsAllocated) {
  const VariablePtr w = ones({100});
  PlanInstance instance(accumulate(w).plan(), {}, arena());
  set_free_memory(1000);
  EXPECT_THROW(instance.allocate(), OutOfMemory);
  EXPECT_THROW(instance.run(), OutOfMemory);
  EXPECT_EQ(count("allocate"), 0);
  set_free_memory(1 << 30);
  device_->set_memory_limit(count("used") + 1000);
  EXPECT_THROW(instance.allocate(), OutOfMemory);
  EXPECT_EQ(count("allocate"), 0);
  device_->set_memory_limit(0);
  instance.run();
  EXPECT_EQ(count("run"), 1);
  w->move_to(nullptr);
}

TEST_F(PlanInstanceTest, AFailedCallIsAnErrorAndTheNextOneWorks) {
  const VariablePtr w = ones({4});
  {
    PlanInstance instance(accumulate(w).plan(), {}, arena());
    for (const char* call : {"allocate", "upload", "run"}) {
      fail_next(call);
      try {
        instance.run();
        FAIL() << call << " did not fail";
      } catch (const BackendError& error) {
        EXPECT_EQ(error.cause(), "fake_failure");
      }
    }
    instance.run();
    EXPECT_EQ(instance.run_profiled().size(), 2u);
    w->set_value(Tensor({4}));
    fail_next("upload");
    EXPECT_THROW(instance.run(), BackendError);
    instance.run();
    EXPECT_EQ(w->value().at({0}), 0.0) << "the new value was uploaded in the end";
  }
  w->move_to(nullptr);
}

TEST_F(PlanInstanceTest, AGrownArenaIsBoundAgain) {
  const auto shared = arena();
  const VariablePtr small = ones({10}), large = ones({1000});
  {
    PlanInstance first(accumulate(small).plan(), {}, shared);
    first.run();
    PlanInstance second(accumulate(large).plan(), {}, shared);
    second.run();
    const long binds = count("bind");
    first.run();
    EXPECT_EQ(count("bind"), binds + 1) << "its scratch moved";
    first.run();
    EXPECT_EQ(count("bind"), binds + 1);
  }
  small->move_to(nullptr);
  large->move_to(nullptr);
}

TEST_F(PlanInstanceTest, ChecksWhatItIsFed) {
  const VariablePtr w = ones({4});
  PlanInstance instance(accumulate(w).plan(), {}, arena());
  EXPECT_THROW(instance.write_input(0, Tensor({5})), InvalidArgument);
  EXPECT_THROW(instance.write_input(0, Tensor({4}, DType::int32)), InvalidArgument);
  EXPECT_THROW(instance.write_input(0, std::span<const std::byte>()), InvalidArgument);
}

}  // namespace
}  // namespace keratin::testing
