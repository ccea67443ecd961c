#include "tests/backends/cpu/kernels.h"

namespace keratin::cpu {
namespace {

using testing::Array;
using testing::d;
using testing::expect_near;
using testing::floats;
using testing::for_floats;
using testing::kEps;
using testing::u;

KERATIN_KERNEL_TESTS(SoftmaxKernels);

const std::pair<i64, i64> kSizes[] = {{0, 5}, {1, 1}, {3, 2}, {7, 10}, {130, 10}, {5, 33}, {2, 1024}, {3, 3001}};

std::vector<double> reference_softmax(const double* x, i64 cols) {
  const double top = *std::max_element(x, x + cols);
  double sum = 0;
  std::vector<double> y;
  for (i64 i = 0; i < cols; ++i) y.push_back(std::exp(x[i] - top)), sum += y.back();
  for (double& value : y) value /= sum;
  return y;
}

template <class T>
std::vector<double> as_double(const Array<T>& x) {
  return std::vector<double>(x.data(), x.data() + x.size());
}

TEST_P(SoftmaxKernels, SoftmaxItsLogarithmAndGradients) {
  for (const auto& [rows, cols] : kSizes) {
    for_floats([&, rows = rows, cols = cols]<class T>(T) {
      const Array<T> x = Array<T>::random(rows * cols, 1, -20, 20), dy = Array<T>::random(rows * cols, 2);
      std::vector<double> y, log_y, dx, log_dx;
      const std::vector<double> wide = as_double(x);
      for (i64 r = 0; r < rows; ++r) {
        const std::vector<double> row = reference_softmax(wide.data() + r * cols, cols);
        double dot = 0, sum = 0;
        for (i64 i = 0; i < cols; ++i) dot += row[u(i)] * d(dy[r * cols + i]), sum += d(dy[r * cols + i]);
        for (i64 i = 0; i < cols; ++i) {
          y.push_back(row[u(i)]);
          log_y.push_back(std::log(row[u(i)]));
          dx.push_back(row[u(i)] * (d(dy[r * cols + i]) - dot));
          log_dx.push_back(d(dy[r * cols + i]) - row[u(i)] * sum);
        }
      }
      const FloatKernels<T>& kernels = floats<T>(simd);
      Array<T> got(x.size()), gradient(x.size());
      kernels.softmax(x.data(), rows, cols, got.data());
      expect_near(got, y, 8 * kEps<T>, "softmax");
      kernels.softmax_gradient(got.data(), dy.data(), rows, cols, gradient.data());
      expect_near(gradient, dx, 16 * kEps<T>, "softmax gradient");
      kernels.log_softmax(x.data(), rows, cols, got.data());
      expect_near(got, log_y, 64 * kEps<T>, "log softmax");
      kernels.log_softmax_gradient(got.data(), dy.data(), rows, cols, gradient.data());
      expect_near(gradient, log_dx, 2000 * kEps<T>, "log softmax gradient");
    });
  }
}

TEST_P(SoftmaxKernels, LargeLogitsDoNotOverflow) {
  const Array<float> x{1000, 0, -1000, 3e38f, 3e38f, 0};
  Array<float> y(6);
  simd.f32.softmax(x.data(), 2, 3, y.data());
  expect_near(y, {1, 0, 0, 0.5, 0.5, 0}, 0, "softmax");
}

template <class Label>
void check_crossentropy(const Simd& simd, DType dtype) {
  for (const auto& [rows, cols] : kSizes) {
    for_floats([&, rows = rows, cols = cols]<class T>(T) {
      const Array<T> x = Array<T>::random(rows * cols, 1, -5, 5), row_scale = Array<T>::random(rows, 3);
      Array<Label> labels(rows);
      for (i64 r = 0; r < rows; ++r) labels[r] = static_cast<Label>(r * 7 % std::min<i64>(cols, 200));
      const std::vector<double> wide = as_double(x);
      std::vector<double> loss, gradient;
      for (i64 r = 0; r < rows; ++r) {
        const std::vector<double> p = reference_softmax(wide.data() + r * cols, cols);
        loss.push_back(-std::log(p[static_cast<std::size_t>(labels[r])]));
        for (i64 i = 0; i < cols; ++i) {
          gradient.push_back((p[u(i)] - (i == static_cast<i64>(labels[r]))) * 0.25 * d(row_scale[r]));
        }
      }
      const FloatKernels<T>& kernels = floats<T>(simd);
      Array<T> got(rows), dx(rows * cols);
      kernels.sparse_crossentropy(x.data(), dtype, labels.data(), rows, cols, got.data());
      expect_near(got, loss, 64 * kEps<T>, "loss");
      kernels.sparse_crossentropy_gradient(x.data(), dtype, labels.data(), row_scale.data(), T{0.25}, rows, cols,
                                           dx.data());
      expect_near(dx, gradient, 8 * kEps<T>, "gradient");
    });
  }
}

TEST_P(SoftmaxKernels, SparseCrossentropy) {
  check_crossentropy<std::int32_t>(simd, DType::int32);
  check_crossentropy<i64>(simd, DType::int64);
  check_crossentropy<std::uint8_t>(simd, DType::uint8);
}

TEST_P(SoftmaxKernels, ALabelOutOfRangeGivesNaN) {
  const Array<float> x{1, 2, 3, 1, 2, 3, 1, 2, 3};
  const Array<std::int32_t> labels{3, -1, 1};
  Array<float> loss(3), dx(9);
  simd.f32.sparse_crossentropy(x.data(), DType::int32, labels.data(), 3, 3, loss.data());
  simd.f32.sparse_crossentropy_gradient(x.data(), DType::int32, labels.data(), nullptr, 1.0f, 3, 3, dx.data());
  for (i64 i = 0; i < 6; ++i) EXPECT_TRUE(std::isnan(dx[i]));
  EXPECT_TRUE(std::isnan(loss[0]) && std::isnan(loss[1]));
  EXPECT_NEAR(loss[2], 1.4076059, 1e-6);
}

}  // namespace
}  // namespace keratin::cpu
