// Speed of the CPU kernels on the shapes of two small MNIST models, batch 128: a 784-128-10 perceptron and a network of
// two convolutions. One thread where not said otherwise; KERATIN_CPU_ISA=baseline|avx2|avx512 chooses the instructions.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <vector>

#include "keratin/backends/cpu/isa.h"
#include "keratin/backends/cpu/thread_pool.h"

#include "by_turns.h"

namespace {

using namespace keratin::cpu;
using keratin::WindowShape;

std::vector<float> numbers(i64 n) {
  std::vector<float> x(static_cast<std::size_t>(n));
  simd().f32.uniform(1, 1, 0, n, -1.0f, 1.0f, x.data());
  return x;
}

using benchmark::Counter;

void set_gflops(benchmark::State& state, double flops) {
  state.counters["GFLOP/s"] = Counter(flops * 1e-9, Counter::kIsIterationInvariantRate);
}

void set_gigabytes(benchmark::State& state, double bytes) {
  state.counters["GB/s"] = Counter(bytes * 1e-9, Counter::kIsIterationInvariantRate);
}

void gemm(benchmark::State& state, i64 m, i64 n, i64 k, bool trans_a, bool trans_b, bool eigen) {
  const GemmShape shape = keratin::benchmarks::plain_product(m, n, k, trans_a, trans_b);
  const std::vector<float> a = numbers(m * k), b = numbers(k * n);
  std::vector<float> c(static_cast<std::size_t>(m * n));
  std::vector<char> workspace(simd().f32.gemm_workspace(shape));
  for (auto _ : state) {
    const auto run = eigen ? simd().f32.gemm_eigen : simd().f32.gemm;
    run(shape, a.data(), b.data(), c.data(), nullptr, Activation::none, workspace.data());
    benchmark::ClobberMemory();
  }
  set_gflops(state, 2.0 * static_cast<double>(m * n * k));
}
#define KERATIN_GEMM(name, ...)                      \
  BENCHMARK_CAPTURE(gemm, name, __VA_ARGS__, false); \
  BENCHMARK_CAPTURE(gemm, name##_eigen, __VA_ARGS__, true)
KERATIN_GEMM(fc1_forward, 128, 128, 784, false, false);
KERATIN_GEMM(fc1_forward_half_batch, 64, 128, 784, false, false);
KERATIN_GEMM(fc1_kernel_gradient, 784, 128, 128, true, false);
KERATIN_GEMM(fc1_input_gradient, 128, 784, 128, false, true);
KERATIN_GEMM(fc2_forward, 128, 10, 128, false, false);
KERATIN_GEMM(fc2_kernel_gradient, 128, 10, 128, true, false);
KERATIN_GEMM(fc2_input_gradient, 128, 128, 10, false, true);
KERATIN_GEMM(one_row, 1, 128, 784, false, false);
KERATIN_GEMM(square_512, 512, 512, 512, false, false);
KERATIN_GEMM(square_1024, 1024, 1024, 1024, false, false);
KERATIN_GEMM(conv2_tile, 168, 64, 288, false, false);
KERATIN_GEMM(conv2_kernel_gradient_tile, 288, 64, 168, true, false);

enum class Direction { forward, input_gradient, kernel_gradient };

void conv(benchmark::State& state, i64 size, i64 c, i64 f, Direction direction) {
  const i64 out = size - 2;
  const WindowShape shape{.n = 16, .h = size, .w = size, .c = c, .kh = 3, .kw = 3, .oh = out, .ow = out, .f = f};
  const std::vector<float> bias = numbers(f);
  std::vector<float> x = numbers(shape.n * size * size * c), kernel = numbers(9 * c * f),
                     y = numbers(shape.n * out * out * f);
  std::vector<char> workspace(simd().f32.conv_workspace(shape));
  const FloatKernels<float>& kernels = simd().f32;
  for (auto _ : state) {
    if (direction == Direction::forward) {
      kernels.conv_forward(shape, 0, shape.n, x.data(), kernel.data(), bias.data(), Activation::relu, y.data(),
                           workspace.data());
    } else if (direction == Direction::input_gradient) {
      kernels.conv_input_gradient(shape, 0, shape.n, y.data(), kernel.data(), x.data(), workspace.data());
    } else {
      kernels.conv_kernel_gradient(shape, 0, shape.n, x.data(), y.data(), kernel.data(), workspace.data());
    }
    benchmark::ClobberMemory();
  }
  set_gflops(state, 2.0 * static_cast<double>(shape.n * out * out * f * 9 * c));
}
BENCHMARK_CAPTURE(conv, conv1_forward, 28, 1, 32, Direction::forward);
BENCHMARK_CAPTURE(conv, conv1_kernel_gradient, 28, 1, 32, Direction::kernel_gradient);
BENCHMARK_CAPTURE(conv, rgb_forward, 32, 3, 32, Direction::forward);
BENCHMARK_CAPTURE(conv, conv2_forward, 13, 32, 64, Direction::forward);
BENCHMARK_CAPTURE(conv, conv2_input_gradient, 13, 32, 64, Direction::input_gradient);
BENCHMARK_CAPTURE(conv, conv2_kernel_gradient, 13, 32, 64, Direction::kernel_gradient);

void max_pool(benchmark::State& state, bool gradient) {
  const WindowShape shape{
      .n = 16, .h = 26, .w = 26, .c = 32, .kh = 2, .kw = 2, .oh = 13, .ow = 13, .stride_h = 2, .stride_w = 2};
  const std::vector<float> x = numbers(shape.n * shape.h * shape.w * shape.c);
  std::vector<float> y(static_cast<std::size_t>(shape.n * shape.oh * shape.ow * shape.c)), dx(x.size());
  const std::vector<float> dy = numbers(static_cast<i64>(y.size()));
  simd().f32.max_pool(shape, 0, shape.n, x.data(), y.data());
  for (auto _ : state) {
    if (gradient) {
      simd().f32.max_pool_gradient(shape, 0, shape.n, x.data(), y.data(), dy.data(), dx.data());
    } else {
      simd().f32.max_pool(shape, 0, shape.n, x.data(), y.data());
    }
    benchmark::ClobberMemory();
  }
  set_gigabytes(state, 4.0 * static_cast<double>(x.size()));
}
BENCHMARK_CAPTURE(max_pool, forward, false);
BENCHMARK_CAPTURE(max_pool, gradient, true);

void adam(benchmark::State& state) {
  const i64 n = 784 * 128 + 128 + 128 * 10 + 10;
  const std::vector<float> g = numbers(n);
  std::vector<float> w = numbers(n), m(g.size()), v(g.size());
  for (auto _ : state) {
    simd().f32.adam({}, g.data(), w.data(), m.data(), v.data(), nullptr, n);
    benchmark::ClobberMemory();
  }
  set_gigabytes(state, 28.0 * static_cast<double>(n));
}
BENCHMARK(adam);

void sparse_crossentropy(benchmark::State& state, bool gradient) {
  const i64 rows = 128, cols = 10;
  const std::vector<float> logits = numbers(rows * cols);
  const std::vector<std::int32_t> labels(rows, 3);
  std::vector<float> out(rows * cols);
  for (auto _ : state) {
    if (gradient) {
      simd().f32.sparse_crossentropy_gradient(logits.data(), keratin::DType::int32, labels.data(), nullptr, 1.0f, rows,
                                              cols, out.data());
    } else {
      simd().f32.sparse_crossentropy(logits.data(), keratin::DType::int32, labels.data(), rows, cols, out.data());
    }
    benchmark::ClobberMemory();
  }
}
BENCHMARK_CAPTURE(sparse_crossentropy, loss, false);
BENCHMARK_CAPTURE(sparse_crossentropy, gradient, true);

void gather_images(benchmark::State& state) {
  const i64 images = 4096, row = 784, batch = 128;
  const std::vector<std::uint8_t> x(images * row, 7);
  std::vector<i64> index;
  for (i64 i = 0; i < batch; ++i) index.push_back(i * 1237 % images);
  std::vector<float> y(batch * row);
  for (auto _ : state) {
    simd().gather_rows(keratin::DType::uint8, keratin::DType::float32, x.data(), index.data(), batch, row, 1.0 / 255, 0,
                       y.data());
    benchmark::ClobberMemory();
  }
  set_gigabytes(state, 5.0 * static_cast<double>(batch * row));
}
BENCHMARK(gather_images);

constexpr i64 kFlat = 16384;

void unary(benchmark::State& state, Unary op) {
  const std::vector<float> x = numbers(kFlat);
  std::vector<float> y(x.size());
  for (auto _ : state) {
    simd().f32.unary[static_cast<int>(op)](x.data(), y.data(), kFlat);
    benchmark::ClobberMemory();
  }
  set_gigabytes(state, 8.0 * kFlat);
}
BENCHMARK_CAPTURE(unary, relu, Unary::relu);
BENCHMARK_CAPTURE(unary, exp, Unary::exp);
BENCHMARK_CAPTURE(unary, log1p, Unary::log1p);
BENCHMARK_CAPTURE(unary, tanh, Unary::tanh);
BENCHMARK_CAPTURE(unary, sigmoid, Unary::sigmoid);
BENCHMARK_CAPTURE(unary, erf, Unary::erf);
BENCHMARK_CAPTURE(unary, sin, Unary::sin);
BENCHMARK_CAPTURE(unary, floor, Unary::floor);

void dropout(benchmark::State& state) {
  const std::vector<float> x = numbers(kFlat);
  std::vector<float> y(x.size());
  for (auto _ : state) {
    simd().f32.dropout(1, 2, 0, kFlat, 0.5f, x.data(), y.data());
    benchmark::ClobberMemory();
  }
  set_gigabytes(state, 8.0 * kFlat);
}
BENCHMARK(dropout);

void column_sum(benchmark::State& state, i64 rows, i64 cols) {
  const std::vector<float> x = numbers(rows * cols);
  std::vector<float> y(static_cast<std::size_t>(cols));
  for (auto _ : state) {
    simd().f32.reduce[static_cast<int>(Reduction::sum)]({1, rows, cols, cols}, x.data(), y.data());
    benchmark::ClobberMemory();
  }
  set_gigabytes(state, 4.0 * static_cast<double>(rows * cols));
}
BENCHMARK_CAPTURE(column_sum, 128x128, 128, 128);
BENCHMARK_CAPTURE(column_sum, 128x10, 128, 10);
BENCHMARK_CAPTURE(column_sum, 10816x32, 10816, 32);

void transpose(benchmark::State& state) {
  const i64 dims[] = {784, 128};
  const int perm[] = {1, 0};
  const std::vector<float> x = numbers(784 * 128);
  std::vector<float> y(x.size());
  for (auto _ : state) {
    simd().transpose(x.data(), dims, perm, 2, 4, 0, 128, y.data());
    benchmark::ClobberMemory();
  }
  set_gigabytes(state, 8.0 * static_cast<double>(x.size()));
}
BENCHMARK(transpose);

// All threads: an empty fork and join, and products split by rows.
void fork_join(benchmark::State& state) {
  for (auto _ : state) parallel_for(num_threads(), [](std::int64_t) {});
}
BENCHMARK(fork_join)->UseRealTime();

void gemm_by_rows(benchmark::State& state, i64 m, i64 n, i64 k, i64 chunk) {
  const GemmShape shape{.m = chunk, .n = n, .k = k, .lda = k, .ldb = n, .ldc = n};
  const std::vector<float> a = numbers(m * k), b = numbers(k * n);
  std::vector<float> c(static_cast<std::size_t>(m * n));
  const i64 chunks = m / chunk, bytes = static_cast<i64>(simd().f32.gemm_workspace(shape) + 63) / 64 * 64;
  std::vector<char> workspace(static_cast<std::size_t>(bytes * chunks));
  for (auto _ : state) {
    parallel_for(chunks, [&](i64 i) {
      simd().f32.gemm(shape, a.data() + i * chunk * k, b.data(), c.data() + i * chunk * n, nullptr, Activation::none,
                      workspace.data() + i * bytes);
    });
  }
  set_gflops(state, 2.0 * static_cast<double>(m * n * k));
}
BENCHMARK_CAPTURE(gemm_by_rows, fc1_forward, 128, 128, 784, 64)->UseRealTime();
BENCHMARK_CAPTURE(gemm_by_rows, square_512, 512, 512, 512, 256)->UseRealTime();

}  // namespace
