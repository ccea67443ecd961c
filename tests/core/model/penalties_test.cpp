// Regularisers and constraints.
#include <cmath>

#include "keratin/core/model/constraints.h"
#include "keratin/core/model/regularizers.h"
#include "keratin/core/tensor/errors.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using testing::expect_error;

const Tensor& weight() {
  static const Tensor tensor({2, 2}, {3.0f, -1.0f, 4.0f, 2.0f});
  return tensor;
}

void expect_near(const Value& value, const std::vector<double>& expected) {
  const Tensor tensor = value.tensor().astype(DType::float64);
  ASSERT_EQ(static_cast<std::size_t>(tensor.size()), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(tensor.values<double>()[i], expected[i], 1e-5) << i;
}

TEST(Regularizers, ArePenalties) {
  expect_near(regularizers::L1(0.5)(weight()), {5});
  expect_near(regularizers::L2(0.5)(weight()), {15});
  expect_near(regularizers::L1L2(0.5, 0.25)(weight()), {12.5});
  expect_near(Regularizer("l1")(weight()), {0.1});
  expect_near(Regularizer("l2")(weight()), {0.3});
  expect_near(Regularizer("l1_l2")(weight()), {0.4});
  // The rows (3, -1) and (4, 2) have the cosine 10 / sqrt(200), the columns (3, 4) and (-1, 2) 5 / (5 sqrt(5)).
  expect_near(regularizers::OrthogonalRegularizer(0.5)(weight()), {0.5 * std::sqrt(0.5)});
  expect_near(regularizers::OrthogonalRegularizer(0.5, "columns")(weight()), {0.5 / std::sqrt(5.0)});
  expect_near(Regularizer("orthogonal_regularizer")(Tensor({1, 2}, {3.0f, 4.0f})), {0});
}

TEST(Regularizers, HaveKerasConfigurations) {
  EXPECT_FALSE(Regularizer());
  EXPECT_EQ(Regularizer().config().to_json(), "null");
  EXPECT_EQ(Regularizer("l2").config().to_json(),
            R"({"module": "keras.regularizers", "class_name": "L2", "config": {"l2": 0.01}, "registered_name": null})");
  EXPECT_EQ(regularizers::OrthogonalRegularizer().config().to_json(),
            R"({"module": "keras.regularizers", "class_name": "OrthogonalRegularizer", )"
            R"("config": {"factor": 0.01, "mode": "rows"}, "registered_name": null})");
  expect_error<InvalidArgument>([] { Regularizer("l3"); }, {"unknown regularizer 'l3'"});
  expect_error<InvalidArgument>([] { regularizers::OrthogonalRegularizer(0.1, "row"); }, {"did you mean 'rows'?"});
  expect_error<InvalidArgument>([] { regularizers::OrthogonalRegularizer(-1); }, {"factor must not be negative"});
  expect_error<InvalidArgument>([] { Regularizer("orthogonal_regularizer")(Tensor({3})); }, {"expected a matrix"});
}

TEST(Constraints, ProjectWeights) {
  // The columns have norms 5 and sqrt(5).
  expect_near(constraints::MaxNorm(2.5)(weight()), {1.5, -1, 2, 2});
  expect_near(constraints::MaxNorm(2.5, 1)(weight()), {3 * 2.5 / std::sqrt(10.0), -2.5 / std::sqrt(10.0),
                                                       4 * 2.5 / std::sqrt(20.0), 2 * 2.5 / std::sqrt(20.0)});
  expect_near(constraints::UnitNorm()(weight()), {0.6, -1 / std::sqrt(5.0), 0.8, 2 / std::sqrt(5.0)});
  expect_near(constraints::NonNeg()(weight()), {3, 0, 4, 2});
  // Half of the way from 5 to 3; sqrt(5) is inside.
  expect_near(constraints::MinMaxNorm(1, 3, 0.5)(weight()), {3 * 0.8, -1, 4 * 0.8, 2});
  expect_near(Constraint("unit_norm")(Tensor({2}, {0.0f, 0.0f})), {0, 0});
}

TEST(Constraints, HaveKerasConfigurations) {
  EXPECT_FALSE(Constraint());
  EXPECT_EQ(Constraint("max_norm").config().to_json(),
            R"({"module": "keras.constraints", "class_name": "MaxNorm", "config": {"max_value": 2.0, "axis": 0}, )"
            R"("registered_name": null})");
  EXPECT_EQ(Constraint("NonNeg").config().to_json(),
            R"({"module": "keras.constraints", "class_name": "NonNeg", "config": {}, "registered_name": null})");
  expect_error<InvalidArgument>([] { Constraint("max_nrm"); }, {"did you mean 'max_norm'?"});
  expect_error<InvalidArgument>([] { constraints::MinMaxNorm(2, 1); }, {"min_value must not be above max_value"});
}

}  // namespace
}  // namespace keratin
