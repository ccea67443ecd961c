// A multi-layer perceptron for MNIST: 784-128-10.
#include "mnist_program.h"

int main(int argc, char** argv) {
  using namespace keratin;
  return run_mnist_program(argc, argv, "Trains a 784-128-10 perceptron on handwritten digits.", [] {
    return Sequential({
        Input({28, 28, 1}),
        Rescaling(1.0 / 255),
        Flatten(),
        Dense(128, {.activation = "relu"}),
        Dense(10, {.activation = "softmax"}),
    });
  });
}
