#include "keratin/io/datasets.h"

#include <algorithm>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "keratin/core/tensor/errors.h"
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

}  // namespace

Split mnist(const std::string& directory) { return load(directory, ""); }
Split fashion_mnist(const std::string& directory) { return load(directory, "--fashion "); }

}  // namespace keratin::datasets
