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

}  // namespace keratin::datasets
