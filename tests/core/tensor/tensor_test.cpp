#include "keratin/core/tensor/tensor.h"

#include "keratin/core/tensor/errors.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using testing::expect_error;

TEST(Tensor, DefaultIsUndefined) {
  const Tensor t;
  EXPECT_FALSE(t.defined());
  EXPECT_EQ(t.bytes(), 0u);
  EXPECT_EQ(t.to_string(), "undefined");
  EXPECT_FALSE(t.clone().defined());
  expect_error<InvalidArgument>([&] { t.item(); }, {"one element"});
}

TEST(Tensor, HoldsValuesOfEveryDType) {
  const Tensor zeros({2, 3});
  EXPECT_EQ(zeros.to_vector<float>(), std::vector<float>(6, 0.0f));
  const Tensor t({2, 2}, {1.0, 2.0, 3.0, 4.0});
  EXPECT_EQ(t.dtype(), DType::float64);
  EXPECT_EQ(t.at({1, 0}), 3.0);
  const std::vector<std::int64_t> longs = {1, -2};
  EXPECT_EQ(Tensor({2}, longs).dtype(), DType::int64);
  EXPECT_EQ(Tensor({2}, {true, false}).to_vector<bool>(), (std::vector<bool>{true, false}));
  EXPECT_EQ(Tensor::scalar<std::uint8_t>(7).item(), 7);
  EXPECT_EQ(Tensor::full({3}, 2.5).to_vector<float>(), (std::vector<float>{2.5f, 2.5f, 2.5f}));
  EXPECT_EQ(Tensor::full({1}, 3, DType::int32).at({0}), 3);
}

TEST(Tensor, EmptyTensorsAreDefined) {
  const Tensor t({0, 4});
  EXPECT_TRUE(t.defined());
  EXPECT_EQ(t.size(), 0);
  EXPECT_TRUE(t.values<float>().empty());
  EXPECT_EQ(t.reshape({4, 0}).shape(), (Shape{4, 0}));
}

TEST(Tensor, RefusesWhatCannotBe) {
  expect_error<InvalidArgument>([] { Tensor({kUnknown, 3}); }, {"known sizes", "(None, 3)"});
  expect_error<InvalidArgument>([] { Tensor({2, 2}, {1.0f}); }, {"(2, 2)", "4 values", "got 1"});
  expect_error<InvalidArgument>([] { Tensor({std::int64_t{1} << 62}); }, {"address space"});
  const Tensor t({2, 3});
  expect_error<InvalidArgument>([&] { t.values<double>(); }, {"float32", "float64", "astype"});
  expect_error<InvalidArgument>([&] { t.at({0}); }, {"2 indices"});
  expect_error<InvalidArgument>([&] { t.at({0, 3}); }, {"index 3", "axis 1"});
  expect_error<InvalidArgument>([&] { t.item(); }, {"(2, 3)"});
}

TEST(Tensor, CopiesShareMemoryAndClonesDoNot) {
  Tensor a({2}, {1.0f, 2.0f});
  Tensor shared = a, own = a.clone();
  a.values<float>()[0] = 9;
  EXPECT_EQ(shared.at({0}), 9);
  EXPECT_EQ(own.at({0}), 1);
}

TEST(Tensor, RowsAreAViewOfTheFirstAxis) {
  const Tensor t({3, 2}, {0, 1, 2, 3, 4, 5});
  const Tensor rows = t.rows(1, 3);
  EXPECT_EQ(rows.shape(), (Shape{2, 2}));
  EXPECT_EQ(rows.to_vector<int>(), (std::vector<int>{2, 3, 4, 5}));
  EXPECT_EQ(t.rows(3, 3).size(), 0);
  EXPECT_EQ(rows.rows(1, 2).at({0, 1}), 5);
  expect_error<InvalidArgument>([&] { t.rows(2, 4); }, {"[2, 4)", "(3, 2)"});
  expect_error<InvalidArgument>([&] { t.rows(2, 1); }, {"[2, 1)"});
  expect_error<InvalidArgument>([] { Tensor::scalar(1.0f).rows(0, 1); }, {"()"});
}

TEST(Tensor, ReshapeInfersOneSize) {
  const Tensor t({2, 6});
  EXPECT_EQ(t.reshape({3, -1}).shape(), (Shape{3, 4}));
  EXPECT_EQ(t.reshape({12}).raw(), t.raw());
  expect_error<InvalidArgument>([&] { t.reshape({5, -1}); }, {"(2, 6)", "(5, None)"});
  expect_error<InvalidArgument>([&] { t.reshape({-1, -1}); }, {"only one axis"});
  expect_error<InvalidArgument>([&] { t.reshape({7}); }, {"(7,)"});
}

TEST(Tensor, AstypeConverts) {
  const Tensor t({3}, {-1.75f, 0.0f, 2.5f});
  EXPECT_EQ(t.astype(DType::int32).to_vector<int>(), (std::vector<int>{-1, 0, 2}));
  EXPECT_EQ(t.astype(DType::boolean).to_vector<bool>(), (std::vector<bool>{true, false, true}));
  EXPECT_EQ(t.astype(DType::float32).raw(), t.raw());
}

TEST(Tensor, KnowsItsDevice) {
  Tensor t({1});
  EXPECT_EQ(t.device(), "host");
  t.set_device("cuda:0");
  EXPECT_EQ(t.device(), "cuda:0");
  EXPECT_EQ(t.clone().device(), "cuda:0");
  EXPECT_EQ(t.astype(DType::int32).device(), "cuda:0");
}

TEST(Tensor, MemoryOfSomebodyElseIsKeptAlive) {
  auto owner = std::make_shared<std::vector<float>>(std::vector<float>{1, 2, 3});
  std::weak_ptr<std::vector<float>> watch = owner;
  Tensor t = Tensor::from_memory({3}, DType::float32, owner, owner->data());
  owner.reset();
  EXPECT_EQ(t.at({2}), 3);
  EXPECT_FALSE(watch.expired());
  t = Tensor();
  EXPECT_TRUE(watch.expired());
  expect_error<InvalidArgument>([] { Tensor::from_memory({3}, DType::float32, nullptr, nullptr); }, {"null"});
}

TEST(Tensor, PrintsAFewNumbers) {
  EXPECT_EQ(Tensor({2}, {1.5f, -2.0f}).to_string(), "float32 (2,) [1.5, -2]");
  EXPECT_EQ(Tensor({4}, {1, 2, 3, 4}).to_string(2), "int32 (4,) [1, 2, ...]");
}

}  // namespace
}  // namespace keratin
