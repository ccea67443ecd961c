#include "keratin/io/datasets.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <thread>
#include <vector>

#include "keratin/core/tensor/errors.h"
#include "keratin/io/digits.h"
#include "keratin/io/idx.h"

namespace keratin::datasets {
namespace {

// The names the same file goes by: "train-images-idx3-ubyte", "train-images.idx3-ubyte", each also with ".gz".
std::string find(const std::string& directory, std::string_view stem, std::string_view kind, std::string_view option) {
  std::string looked_for;
  for (const char* separator : {"-", "."}) {
    for (const char* ending : {"", ".gz"}) {
      const std::string name = std::string(stem) + separator + std::string(kind) + ending;
      const std::filesystem::path path = std::filesystem::path(directory) / name;
      std::error_code ignored;  // an unreadable folder ends in the message below
      if (std::filesystem::exists(path, ignored)) return path.string();
      looked_for += (looked_for.empty() ? "" : ", ") + name;
    }
  }
  throw FileError("no " + std::string(stem) + " in '" + directory + "'; looked for " + looked_for +
                  ". Run scripts/download_mnist.sh " + std::string(option) + "'" + directory +
                  "', or use datasets::digits(), which needs no files.");
}

LabeledData load(const std::string& directory, const std::string& part, std::string_view option) {
  const std::string image_path = find(directory, part + "-images", "idx3-ubyte", option);
  const std::string label_path = find(directory, part + "-labels", "idx1-ubyte", option);
  const Tensor images = read_idx(image_path);
  const Tensor labels = read_idx(label_path);
  const auto expect = [](bool good, const std::string& path, const std::string& expected, const Tensor& found) {
    if (good) return;
    throw FileError("'" + path + "': expected " + expected + ", found " + std::string(name_of(found.dtype())) + " " +
                    found.shape().to_string() + ". Is it the right file?");
  };
  expect(images.dtype() == DType::uint8 && images.rank() == 3 && images.shape()[0] > 0 && images.shape()[1] == 28 &&
             images.shape()[2] == 28,
         image_path, "images, uint8 (n, 28, 28)", images);
  expect(labels.dtype() == DType::uint8 && labels.rank() == 1, label_path, "labels, uint8 (n)", labels);
  expect(labels.shape()[0] == images.shape()[0], label_path,
         std::to_string(images.shape()[0]) + " labels, one for each image of '" + image_path + "'", labels);
  const auto values = labels.values<std::uint8_t>();
  const auto bad = std::find_if(values.begin(), values.end(), [](std::uint8_t label) { return label > 9; });
  if (bad != values.end()) {
    throw FileError("'" + label_path + "': expected labels from 0 to 9, found " + std::to_string(*bad) + " at index " +
                    std::to_string(bad - values.begin()) + ". Is it the right file?");
  }
  return {images.reshape({images.shape()[0], 28, 28, 1}), labels.astype(DType::int32)};
}

Split load(const std::string& directory, std::string_view option) {
  return {load(directory, "train", option), load(directory, "t10k", option)};
}

// Images `first` to `first + count` of the sequence of `seed`.
LabeledData draw(std::uint64_t seed, std::uint64_t first, std::int64_t count, int threads) {
  LabeledData data{Tensor({count, 28, 28, 1}, DType::uint8), Tensor({count}, DType::int32)};
  const auto pixels = data.x.values<std::uint8_t>();
  const auto labels = data.y.values<std::int32_t>();
  const auto draw_part = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const Digit digit = draw_digit(seed, first + static_cast<std::uint64_t>(i));
      std::copy(digit.pixels.begin(), digit.pixels.end(), pixels.begin() + i * 784);
      labels[static_cast<std::size_t>(i)] = digit.label;
    }
  };
  std::vector<std::jthread> others;
  for (int part = 1; part < threads; ++part) {
    others.emplace_back(draw_part, count * part / threads, count * (part + 1) / threads);
  }
  draw_part(0, count / threads);
  return data;
}

}  // namespace

Split mnist(const std::string& directory) { return load(directory, ""); }
Split fashion_mnist(const std::string& directory) { return load(directory, "--fashion "); }

Split digits(const DigitsOptions& options) {
  if (options.train < 0 || options.test < 0 || options.threads < 0) {
    throw InvalidArgument("datasets::digits: expected train, test and threads of 0 or more, got " +
                          std::to_string(options.train) + ", " + std::to_string(options.test) + " and " +
                          std::to_string(options.threads) + ".");
  }
  const int cores = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  const int threads = options.threads > 0 ? std::min(options.threads, 256) : cores;
  // Far behind any training image, so that the two never overlap.
  constexpr std::uint64_t kFirstTestImage = std::uint64_t{1} << 48;
  return {draw(options.seed, 0, options.train, threads), draw(options.seed, kFirstTestImage, options.test, threads)};
}

}  // namespace keratin::datasets
