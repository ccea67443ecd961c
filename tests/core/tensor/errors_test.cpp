#include "keratin/core/tensor/errors.h"

#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using testing::expect_error;

template <class E>
void expect_keeps_its_type() {
  try {
    E("went wrong").rethrow_in("dense_1");
  } catch (const Error& error) {
    EXPECT_EQ(typeid(error), typeid(E));
    EXPECT_STREQ(error.what(), "dense_1: went wrong");
  }
}

TEST(Errors, RethrowKeepsTheTypeAndAddsTheName) {
  expect_keeps_its_type<Error>();
  expect_keeps_its_type<InvalidArgument>();
  expect_keeps_its_type<FileError>();
  expect_keeps_its_type<DeviceError>();
  expect_keeps_its_type<DeviceNotFound>();
  expect_keeps_its_type<LibraryMissing>();
  expect_keeps_its_type<VersionMismatch>();
  expect_keeps_its_type<OutOfMemory>();
  expect_keeps_its_type<BackendError>();
}

TEST(Errors, DeviceErrorsKeepTheirCause) {
  try {
    DeviceNotFound("no such device", "no-driver").rethrow_in("set_device");
  } catch (const DeviceError& error) {
    EXPECT_EQ(error.cause(), "no-driver");
  }
}

TEST(Errors, DidYouMeanFindsNeighboursOnly) {
  const std::vector<std::string> names = {"adam", "sgd", "rmsprop"};
  EXPECT_EQ(did_you_mean("adamm", names), "; did you mean 'adam'?");
  EXPECT_EQ(did_you_mean("RMSProp", names), "; did you mean 'rmsprop'?");
  EXPECT_EQ(did_you_mean("sdg", names), "");
  EXPECT_EQ(did_you_mean("sg", names), "; did you mean 'sgd'?");
  EXPECT_EQ(did_you_mean("xyz", names), "");
  EXPECT_EQ(did_you_mean("", names), "");
  EXPECT_EQ(did_you_mean("adam", {}), "");
}

}  // namespace
}  // namespace keratin
