// A convolutional network for MNIST: two convolutions with pooling, then two dense layers.
#include "mnist_program.h"

int main(int argc, char** argv) {
  using namespace keratin;
  return run_mnist_program(argc, argv, "Trains a convolutional network on handwritten digits.", [] {
    return Sequential({
        Input({28, 28, 1}),
        Rescaling(1.0 / 255),
        Conv2D(32, {3, 3}, {.activation = "relu"}),
        MaxPooling2D({2, 2}),
        Conv2D(64, {3, 3}, {.activation = "relu"}),
        MaxPooling2D({2, 2}),
        Flatten(),
        Dense(128, {.activation = "relu"}),
        Dense(10, {.activation = "softmax"}),
    });
  });
}
