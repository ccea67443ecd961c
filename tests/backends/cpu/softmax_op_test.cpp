#include "keratin/core/ops/softmax.h"

#include <gtest/gtest.h>

#include <cmath>

#include "keratin/core/runtime/device.h"
#include "tests/backends/cpu/run_op.h"

namespace keratin {
namespace {

using namespace cpu_test;

// The decomposition's formulas in double.
struct Row {
  std::vector<double> x, e;
  double max, sum_x = 0, sum_e = 0;
  Row(const Tensor& t, std::size_t row, std::size_t columns) {
    const auto values = t.astype(DType::float64).to_vector<double>();
    x.assign(values.begin() + static_cast<std::ptrdiff_t>(row * columns),
             values.begin() + static_cast<std::ptrdiff_t>((row + 1) * columns));
    max = *std::max_element(x.begin(), x.end());
    for (double v : x) {
      e.push_back(std::exp(v - max));
      sum_e += e.back();
      sum_x += v;
    }
  }
};

class CpuSoftmax : public ::testing::TestWithParam<DType> {
 protected:
  double tolerance() const { return GetParam() == DType::float32 ? 2e-6 : 1e-12; }
  // f(row, column) in every element.
  template <class F>
  Tensor make(Shape shape, std::size_t columns, F f) const {
    Tensor result(std::move(shape), DType::float64);
    auto values = result.values<double>();
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = f(i / columns, i % columns);
    return result.astype(GetParam());
  }
};

TEST_P(CpuSoftmax, AndItsLogarithmAndGradients) {
  for (const std::size_t columns : {1u, 10u, 37u}) {
    const Shape shape{3, 11, static_cast<std::int64_t>(columns)};
    const Tensor x = random_tensor(shape, GetParam(), -8, 8), dy = random_tensor(shape, GetParam(), -1, 1, 2);
    const Tensor y = make(shape, columns, [&](std::size_t r, std::size_t c) {
      const Row row(x, r, columns);
      return row.e[c] / row.sum_e;
    });
    const Tensor log_y = make(shape, columns, [&](std::size_t r, std::size_t c) {
      const Row row(x, r, columns);
      return row.x[c] - row.max - std::log(row.sum_e);
    });
    expect_close(run_on_threads(kSoftmax, {}, {x}).at(0), y, tolerance());
    expect_close(run_on_threads(kLogSoftmax, {}, {x}).at(0), log_y, tolerance());
    const Tensor dx = make(shape, columns, [&](std::size_t r, std::size_t c) {
      const Row p(y, r, columns), d(dy, r, columns);
      double dot = 0;
      for (std::size_t i = 0; i < columns; ++i) dot += p.x[i] * d.x[i];
      return p.x[c] * (d.x[c] - dot);
    });
    expect_close(run_on_threads(kSoftmaxGrad, {}, {dy, y}).at(0), dx, tolerance());
    const Tensor log_dx = make(shape, columns, [&](std::size_t r, std::size_t c) {
      const Row p(log_y, r, columns), d(dy, r, columns);
      return d.x[c] - std::exp(p.x[c]) * d.sum_x;
    });
    expect_close(run_on_threads(kLogSoftmaxGrad, {}, {dy, log_y}).at(0), log_dx, tolerance());
  }
}

TEST_P(CpuSoftmax, SparseCrossentropyOfLogits) {
  const std::size_t columns = 10;
  const Shape shape{4, 9, 10}, rows{4, 9};
  const Tensor x = random_tensor(shape, GetParam(), -5, 5), labels = random_tensor(rows, DType::int32, 0, 10);
  const Tensor dy = random_tensor(rows, GetParam(), 0, 1, 3);
  const auto label = [&](std::size_t r) { return static_cast<std::size_t>(labels.values<std::int32_t>()[r]); };
  const SparseCrossentropyAttrs attrs{.from_logits = true};
  expect_close(run_on_threads(kSparseCrossentropy, attrs, {x, labels}).at(0),
               make(rows, 1,
                    [&](std::size_t r, std::size_t) {
                      const Row row(x, r, columns);
                      return row.max + std::log(row.sum_e) - row.x[label(r)];
                    }),
               tolerance());
  const Tensor d = dy.astype(DType::float64);
  expect_close(run_on_threads(kSparseCrossentropyGrad, attrs, {dy, x, labels}).at(0),
               make(shape, columns,
                    [&](std::size_t r, std::size_t c) {
                      const Row row(x, r, columns);
                      return d.values<double>()[r] * (row.e[c] / row.sum_e - (c == label(r) ? 1 : 0));
                    }),
               tolerance());
}

TEST_P(CpuSoftmax, SparseCrossentropyOfProbabilities) {
  const std::size_t columns = 6;
  const Shape shape{50, 6}, rows{50};
  // Not normalised; some are clipped.
  Tensor x = random_tensor(shape, DType::float64, 0.01, 1);
  for (std::size_t c = 0; c < columns; ++c) x.values<double>()[c] = c == 0 ? 1 : 0;
  x = x.astype(GetParam());
  Tensor labels = random_tensor(rows, DType::int32, 0, 6);
  labels.values<std::int32_t>()[0] = 3;  // probability 0
  const Tensor dy = random_tensor(rows, GetParam(), 0.5, 1, 3), d = dy.astype(DType::float64);
  const auto label = [&](std::size_t r) { return static_cast<std::size_t>(labels.values<std::int32_t>()[r]); };
  const SparseCrossentropyAttrs attrs{.from_logits = false};
  expect_close(run_on_threads(kSparseCrossentropy, attrs, {x, labels}).at(0),
               make(rows, 1,
                    [&](std::size_t r, std::size_t) {
                      const Row row(x, r, columns);
                      return -std::log(std::clamp(row.x[label(r)] / row.sum_x, 1e-7, 1 - 1e-7));
                    }),
               tolerance());
  expect_close(run_on_threads(kSparseCrossentropyGrad, attrs, {dy, x, labels}).at(0),
               make(shape, columns,
                    [&](std::size_t r, std::size_t c) {
                      const Row row(x, r, columns);
                      if (r == 0) return 0.0;
                      return d.values<double>()[r] * (1 / row.sum_x - (c == label(r) ? 1 / row.x[c] : 0));
                    }),
               10 * tolerance());
}

TEST_P(CpuSoftmax, ALabelOutsideGivesNan) {
  for (const bool from_logits : {true, false}) {
    const Tensor labels({2}, {7, -1});
    const Tensor loss = run_op(kSparseCrossentropy, SparseCrossentropyAttrs{from_logits},
                               {Tensor::full({2, 7}, 0.1, GetParam()), labels})
                            .at(0);
    EXPECT_TRUE(std::isnan(loss.at({0})));
    EXPECT_TRUE(std::isnan(loss.at({1})));
  }
}

INSTANTIATE_TEST_SUITE_P(Dtypes, CpuSoftmax, ::testing::Values(DType::float32, DType::float64),
                         [](const auto& parameter) { return std::string(name_of(parameter.param)); });

}  // namespace
}  // namespace keratin
