// Data sets: MNIST and Fashion-MNIST from files, and the bundled digits, which need none.
#pragma once

#include <cstdint>
#include <string>

#include "keratin/core/tensor/tensor.h"

namespace keratin::datasets {

// Images x: uint8 (n, 28, 28, 1), white ink on black. Labels y: int32 (n), 0 to 9.
struct LabeledData {
  Tensor x, y;
};

// auto [train, test] = datasets::mnist("data/mnist");
struct Split {
  LabeledData train, test;
};

// The handwritten digits of LeCun, Cortes and Burges: 60000 for training, 10000 for testing. `directory` holds the four
// IDX files under their usual names, plain or gzipped; scripts/download_mnist.sh fetches them. Throws FileError when
// one is missing or malformed, when images and labels disagree in number, and for labels above 9.
Split mnist(const std::string& directory = "data/mnist");

// Zalando's ten kinds of clothes, in MNIST's format and sizes. Names of the classes: fashion_mnist_classes.
Split fashion_mnist(const std::string& directory = "data/fashion-mnist");
inline constexpr const char* fashion_mnist_classes[10] = {"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat",
                                                          "Sandal",      "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};

struct DigitsOptions {
  std::int64_t train = 60000;  // images to train with; MNIST's number
  std::int64_t test = 10000;   // held out: the same ones for a seed, however many are asked for training
  std::uint64_t seed = 1;
  int threads = 0;  // 0: one for each core. The images do not depend on it.
};

// The bundled digits (keratin/io/digits.h), drawn on the spot: about 20000 images a second and core.
// Throws InvalidArgument for negative numbers.
Split digits(const DigitsOptions& options = {});

}  // namespace keratin::datasets
