// A first program, built against the installed library: it trains, predicts and prints.
#include <keratin/keratin.h>

#include <iostream>

int main() {
  using namespace keratin;
  Tensor x({4, 2}, {0.0f, 0.0f, 0.0f, 1.0f, 1.0f, 0.0f, 1.0f, 1.0f});
  Tensor y({4, 1}, {0.0f, 1.0f, 1.0f, 2.0f});  // the sum

  Sequential model({
      Input({2}),
      Dense(8, {.activation = "relu"}),
      Dense(1),
  });
  model.compile("adam", "mse");
  model.fit(x, y, {.batch_size = 4, .epochs = 5, .verbose = 0});
  Tensor predicted = model.predict(x);
  std::cout << "predicted " << predicted.shape().to_string() << " on " << predicted.device() << "\n";
  return predicted.size() == 4 ? 0 : 1;
}
