#include "keratin/io/datasets.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <functional>
#include <vector>

#include "keratin/core/tensor/errors.h"
#include "keratin/io/idx.h"
#include "tests/io/temporary_folder.h"

namespace keratin::datasets {
namespace {

using keratin::testing::TemporaryFolder;

Tensor images(std::int64_t count, std::uint8_t value) {
  return Tensor(Shape({count, 28, 28}), std::vector<std::uint8_t>(static_cast<std::size_t>(count) * 784, value));
}

Tensor labels(std::initializer_list<std::uint8_t> values) {
  return Tensor(Shape({static_cast<std::int64_t>(values.size())}), std::vector<std::uint8_t>(values));
}

void write_four(const TemporaryFolder& folder) {
  write_idx(folder.path("train-images-idx3-ubyte"), images(3, 7));
  write_idx(folder.path("train-labels.idx1-ubyte"), labels({4, 0, 9}));
  write_idx(folder.path("t10k-images.idx3-ubyte.gz"), images(2, 8));
  write_idx(folder.path("t10k-labels-idx1-ubyte.gz"), labels({1, 2}));
}

std::string error_of(const std::function<Split()>& load) {
  try {
    load();
  } catch (const FileError& error) {
    return error.what();
  }
  return "no error";
}

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST(Datasets, ReadsMnistUnderAllItsNames) {
  TemporaryFolder folder;
  write_four(folder);
  for (const auto& load : {mnist, fashion_mnist}) {
    const auto [train, test] = load(folder.path());
    EXPECT_EQ(train.x.shape(), Shape({3, 28, 28, 1}));
    EXPECT_EQ(train.x.dtype(), DType::uint8);
    EXPECT_EQ(train.x.at({2, 27, 27, 0}), 7);
    EXPECT_EQ(train.y.to_vector<std::int32_t>(), (std::vector<std::int32_t>{4, 0, 9}));
    EXPECT_EQ(test.x.shape(), Shape({2, 28, 28, 1}));
    EXPECT_EQ(test.y.to_vector<std::int32_t>(), (std::vector<std::int32_t>{1, 2}));
  }
}

TEST(Datasets, SaysWhatItLookedForAndHowToGetIt) {
  TemporaryFolder folder;
  const std::string text = error_of([&] { return mnist(folder.path()); });
  EXPECT_SAYS(text, folder.path());
  EXPECT_SAYS(text, "train-images-idx3-ubyte, train-images-idx3-ubyte.gz, train-images.idx3-ubyte");
  EXPECT_SAYS(text, "scripts/download_mnist.sh '" + folder.path() + "'");
  EXPECT_SAYS(text, "datasets::digits()");
  EXPECT_SAYS(error_of([&] { return fashion_mnist(folder.path("nowhere")); }), "download_mnist.sh --fashion '");
  write_four(folder);
  std::filesystem::remove(folder.path("t10k-labels-idx1-ubyte.gz"));
  EXPECT_SAYS(error_of([&] { return mnist(folder.path()); }), "no t10k-labels");
}

TEST(Datasets, RefusesFilesThatDoNotFitTogether) {
  TemporaryFolder folder;
  const auto error = [&] { return error_of([&] { return mnist(folder.path()); }); };
  write_four(folder);
  write_idx(folder.path("train-labels.idx1-ubyte"), labels({4, 0}));
  EXPECT_SAYS(error(), "expected 3 labels");
  write_idx(folder.path("train-labels.idx1-ubyte"), labels({4, 10, 9}));
  EXPECT_SAYS(error(), "found 10 at index 1");
  write_idx(folder.path("train-labels.idx1-ubyte"), images(3, 1));
  EXPECT_SAYS(error(), "expected labels, uint8 (n), found uint8 (3, 28, 28)");
  write_four(folder);
  write_idx(folder.path("train-images-idx3-ubyte"), Tensor(Shape({3, 27, 28}), DType::uint8));
  EXPECT_SAYS(error(), "expected images, uint8 (n, 28, 28)");
  write_idx(folder.path("train-images-idx3-ubyte"), Tensor(Shape({3, 28, 28}), DType::float32));
  EXPECT_SAYS(error(), "found float32");
  write_idx(folder.path("train-images-idx3-ubyte"), images(0, 0));
  EXPECT_SAYS(error(), "found uint8 (0, 28, 28)");
}

}  // namespace
}  // namespace keratin::datasets
