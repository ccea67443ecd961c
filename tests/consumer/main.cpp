// A first program, built against the installed library.
#include <keratin/keratin.h>

#include <iostream>

int main() {
  using namespace keratin;
  Tensor x({2, 3}, {1.0f, 2.0f, 3.0f, 4.0f, 5.0f, 6.0f});
  std::cout << x.shape().to_string() << "\n";
  return x.size() == 6 ? 0 : 1;
}
