#include "keratin/core/ops/matmul.h"

#include <gtest/gtest.h>

#include "keratin/core/ops/elementwise.h"
#include "tests/backends/cpu/run_op.h"

namespace keratin {
namespace {

using namespace cpu_test;

// The operands of an (m, k) x (k, n) product in the asked storage.
std::vector<Tensor> operands(std::int64_t m, std::int64_t n, std::int64_t k, MatMulAttrs attrs,
                             DType dtype = DType::float32) {
  return {random_tensor(attrs.transpose_a ? Shape{k, m} : Shape{m, k}, dtype),
          random_tensor(attrs.transpose_b ? Shape{n, k} : Shape{k, n}, dtype, -2, 2, 2)};
}

const MatMulAttrs kStorages[] = {{false, false}, {true, false}, {false, true}, {true, true}};

TEST(CpuMatMul, AllStoragesAndSizes) {
  for (const MatMulAttrs attrs : kStorages) {
    for (const auto& [m, n, k] :
         {std::array<std::int64_t, 3>{1, 1, 1}, {3, 5, 2}, {17, 33, 70}, {128, 10, 128}, {5, 0, 3}, {4, 3, 0}}) {
      SCOPED_TRACE(std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k));
      check_op(kMatMul, attrs, operands(m, n, k, attrs), 1e-4);
      check_op(kMatMul, attrs, operands(m, n, k, attrs, DType::float64), 1e-12);
    }
  }
}

// Large enough for several chunks: of rows, and of columns where there are few rows.
TEST(CpuMatMul, ChunksOnThreads) {
  for (const MatMulAttrs attrs : kStorages) {
    check_op(kMatMul, attrs, operands(200, 130, 300, attrs), 1e-4);
    check_op(kMatMul, attrs, operands(3, 1000, 1500, attrs), 1e-3);
  }
  EXPECT_NE(describe_op(kMatMul, MatMulAttrs{}, operands(200, 130, 300, {})).find("chunks"), std::string::npos);
}

TEST(CpuMatMul, BatchesBroadcast) {
  const std::pair<Shape, Shape> cases[] = {{{4, 6, 5}, {4, 5, 3}},       {{4, 6, 5}, {5, 3}},    {{6, 5}, {4, 5, 3}},
                                           {{2, 1, 6, 5}, {3, 5, 2}},    {{2, 3, 6, 5}, {5, 2}}, {{0, 6, 5}, {5, 2}},
                                           {{2, 3, 6, 5}, {1, 3, 5, 2}}, {{1, 6, 5}, {1, 5, 2}}};
  for (const auto& [a, b] : cases) {
    SCOPED_TRACE(a.to_string() + " x " + b.to_string());
    check_op(kMatMul, MatMulAttrs{}, {random_tensor(a), random_tensor(b, DType::float32, -2, 2, 2)}, 1e-5);
  }
  check_op(kMatMul, MatMulAttrs{.transpose_a = true}, {random_tensor({4, 5, 6}), random_tensor({5, 3})}, 1e-5);
  check_op(kMatMul, MatMulAttrs{.transpose_b = true}, {random_tensor({300, 20, 16}), random_tensor({300, 20, 16})},
           1e-5);
}

TEST(CpuMatMul, FusedIsProductBiasAndRelu) {
  for (const bool bias : {false, true}) {
    for (const auto activation : {FusedActivation::none, FusedActivation::relu}) {
      for (const auto& [m, n, k] : {std::array<std::int64_t, 3>{9, 7, 5}, {128, 128, 784}, {2, 900, 1500}}) {
        std::vector<Tensor> in = operands(m, n, k, {});
        const Tensor product = run_op(kMatMul, MatMulAttrs{}, in).at(0);
        if (bias) in.push_back(random_tensor({n}, DType::float32, -2, 2, 3));
        Tensor expected = bias ? run_op(kAdd, {}, {product, in[2]}).at(0) : product;
        if (activation == FusedActivation::relu) expected = run_op(kRelu, {}, {expected}).at(0);
        expect_close(run_on_threads(kMatMulFused, MatMulFusedAttrs{false, false, bias, activation}, in).at(0), expected,
                     1e-5);
      }
    }
  }
}

TEST(CpuMatMul, RefusesWhatDoesNotFit) {
  const auto spec = [](Shape shape) { return Spec{std::move(shape), DType::float32}; };
  EXPECT_TRUE(supported(kMatMul, MatMulAttrs{}, {spec({2, 3}), spec({3, 4})}, {spec({2, 4})}));
  EXPECT_FALSE(supported(kMatMul, MatMulAttrs{}, {spec({2, 3}), spec({4, 4})}, {spec({2, 4})}));
  EXPECT_FALSE(supported(kMatMul, MatMulFusedAttrs{}, {spec({2, 3}), spec({3, 4})}, {spec({2, 4})}));
  EXPECT_FALSE(
      supported(kMatMulFused, MatMulFusedAttrs{.bias = true}, {spec({2, 3}), spec({3, 4}), spec({2})}, {spec({2, 4})}));
  const Spec whole{{2, 2}, DType::int32};
  EXPECT_FALSE(supported(kMatMul, MatMulAttrs{}, {whole, whole}, {whole}));
}

}  // namespace
}  // namespace keratin
