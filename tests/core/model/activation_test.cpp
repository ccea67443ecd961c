#include "keratin/core/model/activation.h"

#include "keratin/core/ops/elementwise.h"
#include "keratin/core/tensor/errors.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

TEST(ActivationFunction, IsFoundByKerasNames) {
  EXPECT_EQ(ActivationFunction("relu").name(), "relu");
  EXPECT_EQ(ActivationFunction("swish").name(), "silu");
  EXPECT_EQ(ActivationFunction("hard_swish").name(), "hard_silu");
  EXPECT_TRUE(ActivationFunction("linear").is_linear());
  EXPECT_TRUE(ActivationFunction().is_linear());
  EXPECT_FALSE(ActivationFunction("tanh").is_linear());
  for (const std::string& name : ActivationFunction::names()) EXPECT_NO_THROW(ActivationFunction{name}) << name;
  testing::expect_error<InvalidArgument>([] { ActivationFunction("rellu"); },
                                         {"unknown activation 'rellu'; did you mean 'relu'?"});
}

TEST(ActivationFunction, MayBeAnyFunctionOfAValue) {
  const ActivationFunction cube([](const Value& x) { return x * x * x; }, "cube");
  EXPECT_EQ(cube.name(), "cube");
  EXPECT_EQ(cube(Tensor({2}, {2.0f, -1.0f})).tensor().to_vector<float>(), (std::vector<float>{8, -1}));
}

}  // namespace
}  // namespace keratin
