#include "keratin/layers/core/input.h"

#include "keratin/core/tensor/errors.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using testing::expect_error;

TEST(Input, IsOneSymbolicValue) {
  const Input x({28, 28, 1}, {.dtype = DType::uint8, .name = "image"});
  const Value value = x;
  EXPECT_EQ(value.shape(), (Shape{kUnknown, 28, 28, 1}));
  EXPECT_EQ(value.dtype(), DType::uint8);
  EXPECT_EQ(value, x.value());
  EXPECT_TRUE(x.built());
  EXPECT_TRUE(x.variables().empty());
  EXPECT_NE(Input({2}).value(), Input({2}).value());
}

TEST(Input, MayKnowTheBatchAndLeaveSizesOpen) {
  EXPECT_EQ(Input({kUnknown, 3}, {.batch_size = 8}).value().shape(), (Shape{8, kUnknown, 3}));
  EXPECT_EQ(Input({}).value().shape(), (Shape{kUnknown}));
}

TEST(Input, HasKerasConfiguration) {
  const Input x({kUnknown, 3}, {.name = "words"});
  EXPECT_EQ(x.config().to_json(),
            R"({"module": "keras.layers", "class_name": "InputLayer", "config": )"
            R"({"batch_shape": [null, null, 3], "dtype": "float32", "sparse": false, "name": "words"}, )"
            R"("registered_name": null})");
}

TEST(Input, RefusesImpossibleSizes) {
  expect_error<InvalidArgument>([] { Input({3, 0}); }, {"Input: sizes must be positive, or -1 for unknown, got"});
  expect_error<InvalidArgument>([] { Input({-2}); }, {"Input: sizes"});
  expect_error<InvalidArgument>([] { Input({3}, {.batch_size = 0}); }, {"Input: batch_size must be positive, got 0"});
}

}  // namespace
}  // namespace keratin
