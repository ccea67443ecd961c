// Labels, sequences, windows and splits: Keras's examples, and what is refused.
#include "keratin/core/training/preprocess.h"

#include <algorithm>
#include <numeric>
#include <set>

#include "keratin/core/tensor/errors.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using testing::expect_error;
using Floats = std::vector<float>;
using Ints = std::vector<std::int32_t>;

Tensor counting(Shape shape) {
  Ints values(static_cast<std::size_t>(shape.size()));
  std::iota(values.begin(), values.end(), 0);
  return Tensor(std::move(shape), values);
}

std::vector<Batch> batches_of(const Dataset& data) {
  std::vector<Batch> result;
  const Generator next = data.begin_epoch();
  for (Batch batch; next(batch);) result.push_back(batch);
  return result;
}

TEST(ToCategorical, PutsOneAtTheLabel) {
  const Tensor rows = to_categorical(Tensor({3}, {0, 2, 1}));
  EXPECT_EQ(rows.shape(), Shape({3, 3}));
  EXPECT_EQ(rows.to_vector<float>(), (Floats{1, 0, 0, 0, 0, 1, 0, 1, 0}));
  EXPECT_EQ(to_categorical(Tensor({2, 1}, {1.0f, 0.0f}), 4).shape(), Shape({2, 4}));
  EXPECT_EQ(to_categorical(counting({2, 3})).shape(), Shape({2, 3, 6}));
  EXPECT_EQ(to_categorical(Tensor({0}, DType::int32), 2).shape(), Shape({0, 2}));
}

TEST(ToCategorical, RefusesOtherLabels) {
  expect_error<InvalidArgument>([&] { to_categorical(Tensor({2}, {0, 3}), 3); }, {"from 0 to 2, got 3"});
  expect_error<InvalidArgument>([&] { to_categorical(Tensor({1}, {-1})); }, {"got -1"});
  expect_error<InvalidArgument>([&] { to_categorical(Tensor({1}, {0.5f})); }, {"whole numbers"});
}

TEST(PadSequences, FillsAndCutsWhereItIsTold) {
  const std::vector<Ints> sequences = {{1}, {2, 3}, {4, 5, 6}};
  EXPECT_EQ(pad_sequences(sequences).to_vector<std::int32_t>(), (Ints{0, 0, 1, 0, 2, 3, 4, 5, 6}));
  EXPECT_EQ(pad_sequences(sequences, {.padding = "post", .value = -1}).to_vector<std::int32_t>(),
            (Ints{1, -1, -1, 2, 3, -1, 4, 5, 6}));
  EXPECT_EQ(pad_sequences(sequences, {.maxlen = 2}).to_vector<std::int32_t>(), (Ints{0, 1, 2, 3, 5, 6}));
  EXPECT_EQ(pad_sequences(sequences, {.maxlen = 2, .truncating = "post"}).to_vector<std::int32_t>(),
            (Ints{0, 1, 2, 3, 4, 5}));
  const Tensor numbers = pad_sequences(std::vector<Floats>{{0.5f}, {}}, {.maxlen = 2, .value = 0.25});
  EXPECT_EQ(numbers.to_vector<float>(), (Floats{0.25f, 0.5f, 0.25f, 0.25f}));
  expect_error<InvalidArgument>([&] { pad_sequences(sequences, {.padding = "front"}); },
                                {"padding must be 'pre' or 'post'"});
}

TEST(SplitDataset, CutsPartsAndNumbers) {
  const Dataset data(counting({10, 2}), counting({10}));
  const auto [left, right] = split_dataset(data, 0.8);
  EXPECT_EQ(left.size(), 8);
  EXPECT_EQ(right.y()[0].to_vector<std::int32_t>(), (Ints{8, 9}));
  EXPECT_EQ(split_dataset(data, 3).second.size(), 7);
  expect_error<InvalidArgument>([&] { split_dataset(data, 10); }, {"samples on both sides of 10, got 10"});
  expect_error<InvalidArgument>([&] { split_dataset(data, 0.01); }, {"left_size"});
}

TEST(SplitDataset, ShufflesRowsTogether) {
  const Dataset data(counting({50, 2}), counting({50}));
  const auto [left, right] = split_dataset(data, 25, {.shuffle = true, .seed = 3});
  std::set<std::int32_t> seen;
  for (const Dataset& side : {left, right}) {
    const Ints x = side.x()[0].to_vector<std::int32_t>(), y = side.y()[0].to_vector<std::int32_t>();
    for (std::size_t i = 0; i < y.size(); ++i) {
      EXPECT_EQ(x[2 * i], 2 * y[i]);
      seen.insert(y[i]);
    }
  }
  EXPECT_EQ(seen.size(), 50u);
  EXPECT_FALSE(std::is_sorted(left.y()[0].values<std::int32_t>().begin(), left.y()[0].values<std::int32_t>().end()));
  EXPECT_EQ(split_dataset(data, 25, {.shuffle = true, .seed = 3}).first.y()[0].to_vector<std::int32_t>(),
            left.y()[0].to_vector<std::int32_t>());
}

TEST(TimeseriesDataset, MakesWindowsAndTheirTargets) {
  const Tensor data = counting({20, 1}), targets = counting({20});
  const auto batches = batches_of(
      timeseries_dataset_from_array(data, targets, 3, {.sequence_stride = 3, .sampling_rate = 2, .batch_size = 4}));
  ASSERT_EQ(batches.size(), 2u);
  EXPECT_EQ(batches[0].x[0].shape(), Shape({4, 3, 1}));
  EXPECT_EQ(batches[0].x[0].rows(0, 2).to_vector<std::int32_t>(), (Ints{0, 2, 4, 3, 5, 7}));
  EXPECT_EQ(batches[0].y[0].to_vector<std::int32_t>(), (Ints{0, 3, 6, 9}));
  EXPECT_EQ(batches[1].x[0].to_vector<std::int32_t>(), (Ints{12, 14, 16, 15, 17, 19}));
  EXPECT_EQ(batches[1].y[0].to_vector<std::int32_t>(), (Ints{12, 15}));
}

TEST(TimeseriesDataset, KeepsToItsRowsAndTargets) {
  const Tensor data = counting({20, 1});
  const auto part = batches_of(timeseries_dataset_from_array(data, {}, 4, {.start_index = 5, .end_index = 10}));
  ASSERT_EQ(part.size(), 1u);
  EXPECT_TRUE(part[0].y.empty());
  EXPECT_EQ(part[0].x[0].to_vector<std::int32_t>(), (Ints{5, 6, 7, 8, 6, 7, 8, 9}));
  EXPECT_EQ(batches_of(timeseries_dataset_from_array(data, counting({2}), 4))[0].x[0].shape()[0], 2);
  const Dataset mixed = timeseries_dataset_from_array(data, data, 2, {.batch_size = 19, .shuffle = true});
  const Ints first = batches_of(mixed)[0].x[0].to_vector<std::int32_t>();
  EXPECT_NE(first, batches_of(mixed)[0].x[0].to_vector<std::int32_t>());
  for (std::size_t i = 0; i < first.size(); i += 2) EXPECT_EQ(first[i] + 1, first[i + 1]);
  expect_error<InvalidArgument>([&] { timeseries_dataset_from_array(data, {}, 21); }, {"no window of 21 rows"});
  expect_error<InvalidArgument>([&] { timeseries_dataset_from_array(data, {}, 0); }, {"must be positive"});
  expect_error<InvalidArgument>([&] { timeseries_dataset_from_array(data, {}, 2, {.end_index = 21}); }, {"end_index"});
}

}  // namespace
}  // namespace keratin
