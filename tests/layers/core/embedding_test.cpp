#include "keratin/layers/core/embedding.h"

#include "keratin/core/tensor/errors.h"
#include "keratin/layers/core/identity.h"
#include "tests/support/check_layer.h"
#include "tests/support/expect_error.h"

namespace keratin {
namespace {

using testing::check_layer;
using testing::expect_error;

TEST(Embedding, DoesWhatLayersDo) {
  check_layer([] { return Embedding(6, 3); }, {{2, 4}},
              {.output = {2, 4, 3}, .weights = {"embeddings (6, 3)"}, .dtype = DType::int32, .ids = 6});
}

TEST(Embedding, TakesIdsOfAnyDtype) {
  Embedding embedding(3, 2);
  embedding.build({kUnknown});
  embedding.set_weights({Tensor({3, 2}, {0.0f, 1.0f, 10.0f, 11.0f, 20.0f, 21.0f})});
  const std::vector<float> expected = {20, 21, 0, 1};
  EXPECT_EQ(Tensor(embedding(Tensor({2}, {2, 0}))).to_vector<float>(), expected);
  EXPECT_EQ(Tensor(embedding(Tensor({2}, {2.0f, 0.0f}))).to_vector<float>(), expected);
  EXPECT_EQ(Tensor(embedding(Tensor({2}, {std::uint8_t{2}, std::uint8_t{0}}))).to_vector<float>(), expected);
}

TEST(Embedding, RefusesNonsense) {
  expect_error<InvalidArgument>([] { Embedding(0, 3); }, {"Embedding: input_dim must be positive, got 0"});
  expect_error<InvalidArgument>([] { Embedding(3, -1); }, {"Embedding: output_dim must be positive, got -1"});
}

TEST(Identity, DoesWhatLayersDo) {
  check_layer([] { return Identity(); }, {{2, 3}}, {.output = {2, 3}});
}

}  // namespace
}  // namespace keratin
