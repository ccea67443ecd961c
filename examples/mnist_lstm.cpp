// A recurrent network for MNIST: it reads a digit row by row, 28 steps of 28 pixels.
#include "mnist_program.h"

int main(int argc, char** argv) {
  using namespace keratin;
  return run_mnist_program(argc, argv, "Trains an LSTM that reads handwritten digits row by row.", [] {
    return Sequential({
        Input({28, 28, 1}),
        Rescaling(1.0 / 255),
        Reshape({28, 28}),
        LSTM(128),
        Dense(10, {.activation = "softmax"}),
    });
  });
}
