// A step allocates nothing: counted by our own malloc, in all threads, on resident and streamed data.
#include <gtest/gtest.h>

#include "keratin/keratin.h"
#include "tests/support/allocation_counter.h"

namespace keratin {
namespace {

using testing::arm_allocation_counter;
using testing::disarm_allocation_counter;

// Arms the counter after `begin` batches of the whole training and disarms it after `end`.
class Counting final : public CallbackImpl {
 public:
  Counting(std::int64_t begin, std::int64_t end) : begin_(begin), end_(end) {}
  void on_train_batch_end(Training&, std::int64_t, const LazyLogs&) override {
    ++batches_;
    if (batches_ == begin_) arm_allocation_counter();
    if (batches_ == end_) allocations = disarm_allocation_counter();
  }
  std::int64_t allocations = -1;

 private:
  std::int64_t begin_, end_, batches_ = 0;
};

Sequential cnn() {
  set_random_seed(1);
  Sequential model({Input({12, 12, 1}), Rescaling(1.0 / 255), RandomFlip("horizontal"), RandomRotation(0.1),
                    RandomZoom(0.1), Conv2D(8, {3, 3}, {.activation = "relu"}), MaxPooling2D({2, 2}), Conv2D(8, {3, 3}),
                    BatchNormalization(), Activation("relu"), Flatten(), Dropout(0.25),
                    Dense(200, {.activation = "relu"}), Dense(10, {.activation = "softmax"})});
  model.compile("adam", "sparse_categorical_crossentropy", {"accuracy"});
  return model;
}

struct Images {
  Tensor x{{1007, 12, 12, 1}, DType::uint8};
  Tensor y{{1007}, DType::int32};
  Images() {
    for (std::size_t i = 0; i < 1007; ++i) y.values<std::int32_t>()[i] = static_cast<std::int32_t>(i % 10);
    for (std::size_t i = 0; i < x.values<std::uint8_t>().size(); ++i)
      x.values<std::uint8_t>()[i] = static_cast<std::uint8_t>(i * 31 % 251);
  }
};

class Allocation : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::can_count_allocations()) GTEST_SKIP() << "malloc belongs to a sanitizer here";
  }
};

// 1007 images in batches of 10: 101 steps, the last one of 7 images.
TEST_F(Allocation, NoneInAStepOnResidentData) {
  const Images images;
  Sequential model = cnn();
  auto counting = std::make_shared<Counting>(1, 101);
  model.fit(images.x, images.y, {.batch_size = 10, .epochs = 1, .verbose = 0, .callbacks = {counting}});
  EXPECT_EQ(counting->allocations, 0);
}

TEST_F(Allocation, NoneInAStepWithTwoThreads) {
  const int before = num_threads();
  set_num_threads(2);
  const Images images;
  Sequential model = cnn();
  auto counting = std::make_shared<Counting>(1, 101);
  model.fit(images.x, images.y, {.batch_size = 10, .epochs = 1, .verbose = 0, .callbacks = {counting}});
  set_num_threads(before);
  EXPECT_EQ(counting->allocations, 0);
}

// A generator that fills the tensors it is given. Both batches that take turns have been seen after the first steps;
// the last, smaller batch needs its own plan, which the second epoch has.
TEST_F(Allocation, NoneInAStepOnStreamedData) {
  const Images images;
  const Dataset stream = Dataset::from_generator([&images] {
    return [&images, at = std::int64_t{0}](Batch& batch) mutable {
      if (at >= 1000) return false;
      if (batch.x.empty()) {
        batch.x = Tensor({10, 12, 12, 1}, DType::uint8);
        batch.y = Tensor({10}, DType::int32);
      }
      std::copy_n(images.x.values<std::uint8_t>().data() + at * 144, 1440, batch.x[0].values<std::uint8_t>().data());
      std::copy_n(images.y.values<std::int32_t>().data() + at, 10, batch.y[0].values<std::int32_t>().data());
      at += 10;
      return true;
    };
  });
  Sequential model = cnn();
  auto counting = std::make_shared<Counting>(3, 100);
  model.fit(stream, {.epochs = 1, .verbose = 0, .callbacks = {counting}});
  EXPECT_EQ(counting->allocations, 0);
}

// Loops over time, masks and attention; 205 sequences in batches of 10, the last one of 5.
TEST_F(Allocation, NoneInAStepOnSequences) {
  Tensor x({205, 6, 4}), y({205}, DType::int32);
  for (std::size_t i = 0; i < x.values<float>().size(); ++i) x.values<float>()[i] = static_cast<float>(i * 7 % 5) - 2;
  for (std::size_t i = 0; i < 205; ++i) y.values<std::int32_t>()[i] = static_cast<std::int32_t>(i % 3);
  Input input({6, 4});
  Value h = LSTM(8, {.return_sequences = true})(Masking()(input));
  h = MultiHeadAttention(2, 4)({h, h});
  h = Bidirectional(GRU(4))(h);
  Model model(input, Dense(3, {.activation = "softmax"})(h));
  model.compile("adam", "sparse_categorical_crossentropy", {"accuracy"});
  auto counting = std::make_shared<Counting>(1, 21);
  model.fit(x, y, {.batch_size = 10, .epochs = 1, .verbose = 0, .callbacks = {counting}});
  EXPECT_EQ(counting->allocations, 0);
}

}  // namespace
}  // namespace keratin
