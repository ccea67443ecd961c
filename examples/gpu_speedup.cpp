// The time to train one epoch on the CPU and on the GPU: Conv2D 32 3x3, MaxPooling, Flatten, Dense 10 on 1000 images.
#include <chrono>
#include <cstdio>

#include <keratin/keratin.h>

namespace {

using namespace keratin;

double seconds_to_train(const std::string& device, const Tensor& x, const Tensor& y) {
  const DeviceScope scope(device);
  Sequential model({
      Input({28, 28, 3}),
      Conv2D(32, {3, 3}, {.activation = "relu"}),
      MaxPooling2D({2, 2}),
      Flatten(),
      Dense(10, {.activation = "softmax"}),
  });
  model.compile("adam", "sparse_categorical_crossentropy");
  model.fit(x, y, {.verbose = 0});  // the first epoch loads and prepares what the device needs
  const auto start = std::chrono::steady_clock::now();
  model.fit(x, y, {.verbose = 0});
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// False when the GPU cannot be used, for instance because another program has it.
bool compare_with_gpu(const Tensor& x, const Tensor& y, double cpu) {
  try {
    const double gpu = seconds_to_train("cuda", x, y);
    std::printf("GPU: %.3f s\nSpeedup: %.1f\n", gpu, cpu / gpu);
    return true;
  } catch (const DeviceError& error) {
    std::printf("GPU skipped: %s\n", error.what());
    return false;
  }
}

}  // namespace

int main() {
  const Tensor x = Tensor::full({1000, 28, 28, 3}, 0.5), y({1000}, DType::int32);
  const double cpu = seconds_to_train("cpu", x, y);
  std::printf("CPU: %.3f s\n", cpu);
  if (list_physical_devices("GPU").empty()) {
    std::printf("GPU skipped: %s\n", gpu_unavailable_reason().c_str());
    return 0;
  }
  if (!compare_with_gpu(x, y, cpu)) return 0;

  // The same in one call, for any compiled model.
  Sequential model({Input({28, 28, 3}), Flatten(), Dense(10, {.activation = "softmax"})});
  model.compile("adam", "sparse_categorical_crossentropy");
  std::printf("%s", model.benchmark_devices(x, y, {.batch_size = 32}).to_string().c_str());
}
