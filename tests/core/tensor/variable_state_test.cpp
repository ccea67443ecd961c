#include "keratin/core/tensor/variable_state.h"

#include <cstring>

#include "keratin/core/tensor/errors.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using testing::expect_error;

// A device whose memory is a vector, which counts transfers.
struct FakeCopy : DeviceCopy {
  std::vector<float> memory = std::vector<float>(2);
  int uploads = 0;
  mutable int downloads = 0;
  std::string name = "fake:0";

  void* address() const override { return const_cast<float*>(memory.data()); }
  void upload(const Tensor& host) override {
    ++uploads;
    std::memcpy(memory.data(), host.raw(), host.bytes());
  }
  void download(Tensor& host) const override {
    ++downloads;
    std::memcpy(host.raw(), memory.data(), host.bytes());
  }
  const std::string& device() const override { return name; }
};

struct Fixture {
  int made = 0;
  VariableState variable{"dense/kernel", Shape{2}, DType::float32, [this] {
                           ++made;
                           return Tensor({2}, {1.0f, static_cast<float>(made)});
                         }};
  std::shared_ptr<FakeCopy> copy = std::make_shared<FakeCopy>();
  std::vector<float> value() { return variable.value().to_vector<float>(); }
};

TEST(VariableState, IsInitialisedOnceAndLate) {
  Fixture f;
  EXPECT_EQ(f.made, 0);
  EXPECT_EQ(f.value(), (std::vector<float>{1, 1}));
  EXPECT_EQ(f.value(), (std::vector<float>{1, 1}));
  EXPECT_EQ(f.made, 1);
  f.variable.reinitialize();
  EXPECT_EQ(f.value(), (std::vector<float>{1, 2}));
  EXPECT_EQ(f.variable.bytes(), 8u);
}

TEST(VariableState, HandsOutCopies) {
  Fixture f;
  Tensor t = f.variable.value();
  t.values<float>()[0] = 99;
  EXPECT_EQ(f.value()[0], 1);
  f.variable.set_value(t);
  t.values<float>()[0] = 5;
  EXPECT_EQ(f.value()[0], 99);
}

TEST(VariableState, SettingSkipsTheInitialiser) {
  Fixture f;
  f.variable.set_value(Tensor({2}, {3.0f, 4.0f}));
  EXPECT_EQ(f.value(), (std::vector<float>{3, 4}));
  EXPECT_EQ(f.made, 0);
}

TEST(VariableState, UploadsOnlyWhatTheHostChanged) {
  Fixture f;
  f.variable.move_to(f.copy);
  f.variable.sync_device();
  f.variable.sync_device();
  EXPECT_EQ(f.copy->uploads, 1);
  EXPECT_EQ(f.copy->memory, (std::vector<float>{1, 1}));
  f.variable.set_value(Tensor({2}, {5.0f, 6.0f}));
  f.variable.sync_device();
  EXPECT_EQ(f.copy->uploads, 2);
  EXPECT_EQ(f.copy->memory, (std::vector<float>{5, 6}));
}

TEST(VariableState, DownloadsOnceAfterTheDeviceWrote) {
  Fixture f;
  f.variable.move_to(f.copy);
  f.variable.sync_device();
  f.copy->memory = {7, 8};
  f.variable.device_written();
  f.variable.sync_device();  // the device's copy is the newer one: nothing goes up
  EXPECT_EQ(f.copy->uploads, 1);
  EXPECT_EQ(f.value(), (std::vector<float>{7, 8}));
  EXPECT_EQ(f.value(), (std::vector<float>{7, 8}));
  EXPECT_EQ(f.copy->downloads, 1);
}

TEST(VariableState, HostValueWinsOverAnOlderDeviceCopy) {
  Fixture f;
  f.variable.move_to(f.copy);
  f.variable.sync_device();
  f.copy->memory = {7, 8};
  f.variable.device_written();
  f.variable.set_value(Tensor({2}, {0.0f, 1.0f}));
  EXPECT_EQ(f.value(), (std::vector<float>{0, 1}));
  EXPECT_EQ(f.copy->downloads, 0);
  f.variable.sync_device();
  EXPECT_EQ(f.copy->memory, (std::vector<float>{0, 1}));
}

TEST(VariableState, CarriesItsValueToAnotherDevice) {
  Fixture f;
  f.variable.move_to(f.copy);
  f.variable.sync_device();
  f.copy->memory = {7, 8};
  f.variable.device_written();
  auto second = std::make_shared<FakeCopy>();
  f.variable.move_to(second);
  f.variable.sync_device();
  EXPECT_EQ(second->memory, (std::vector<float>{7, 8}));
  EXPECT_EQ(f.variable.device_copy(), second);
}

TEST(VariableState, RefusesOtherShapesAndDTypes) {
  Fixture f;
  expect_error<InvalidArgument>([&] { f.variable.set_value(Tensor({3})); }, {"dense/kernel", "(2,)", "(3,)"});
  expect_error<InvalidArgument>([&] { f.variable.set_value(Tensor({2}, DType::float64)); }, {"float32", "float64"});
  expect_error<InvalidArgument>([&] { f.variable.set_value(Tensor()); }, {"dense/kernel"});
  VariableState wrong("w", Shape{2}, DType::float32, [] { return Tensor({3}); });
  expect_error<InvalidArgument>([&] { wrong.value(); }, {"w: its initialiser made", "(3,)"});
}

}  // namespace
}  // namespace keratin
