#include "keratin/core/ops/update.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/backends/cpu/run_op.h"

namespace keratin {
namespace {

using namespace cpu_test;

// Two variables of float32, one long enough for several chunks, and one of float64.
struct Case {
  std::vector<Shape> shapes = {{5}, {300, 200}, {3, 4}};
  std::vector<DType> dtypes = {DType::float32, DType::float32, DType::float64};
  std::vector<double> decay = {0, 0.1, 0.2};

  UpdateAttrs attrs(int slots) const {
    UpdateAttrs a;
    const auto variable = [&](std::size_t i) {
      return std::make_shared<VariableState>("v", shapes[i], dtypes[i],
                                             [this, i] { return Tensor(shapes[i], dtypes[i]); });
    };
    for (std::size_t i = 0; i < shapes.size(); ++i) a.variables.push_back(variable(i));
    for (int s = 0; s < slots; ++s) {
      for (std::size_t i = 0; i < shapes.size(); ++i) a.slots.push_back(variable(i));
    }
    a.decay = decay;
    return a;
  }
  std::vector<Tensor> tensors(int seed, double low, double high) const {
    std::vector<Tensor> result;
    for (std::size_t i = 0; i < shapes.size(); ++i)
      result.push_back(random_tensor(shapes[i], dtypes[i], low, high, seed + static_cast<int>(i)));
    return result;
  }
};

// One step; `formula(g, w, slot 0, slot 1)` changes the numbers of one element.
template <class Formula>
void check_update(const OpDef& op, UpdateAttrs attrs, const Case& c, const std::vector<Tensor>& scalars, int slots,
                  Formula formula) {
  std::vector<Tensor> inputs = scalars;
  const std::vector<Tensor> gradients = c.tensors(10, -1, 1);
  inputs.insert(inputs.end(), gradients.begin(), gradients.end());
  std::vector<Tensor> before = c.tensors(20, -1, 1);
  for (int s = 0; s < slots; ++s) {
    for (const Tensor& slot : c.tensors(30 + 10 * s, 0.1, 1)) before.push_back(slot);
  }
  const std::size_t count = c.shapes.size();
  const std::vector<Tensor> after = run_on_threads(op, attrs, inputs, before);
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < count; ++i) {
    std::vector<std::vector<double>> state;
    for (std::size_t k = i; k < before.size(); k += count)
      state.push_back(before[k].astype(DType::float64).to_vector<double>());
    const auto g = gradients[i].astype(DType::float64).to_vector<double>();
    double nothing = 0;
    for (std::size_t j = 0; j < g.size(); ++j) {
      state[0][j] -= state[0][j] * c.decay[i] * scalars[0].item();
      formula(g[j], state[0][j], slots > 0 ? state[1][j] : nothing, slots > 1 ? state[2][j] : nothing);
    }
    for (std::size_t k = 0; k < state.size(); ++k) {
      const Tensor expected = Tensor(c.shapes[i], state[k]).astype(c.dtypes[i]);
      expect_close(after[i + k * count], expected, c.dtypes[i] == DType::float32 ? 1e-6 : 1e-12);
    }
  }
}

TEST(CpuUpdate, Sgd) {
  const Case c;
  const Tensor rate = Tensor::scalar(0.1f);
  const double lr = rate.item();
  check_update(kSgdUpdate, c.attrs(0), c, {rate}, 0, [&](double g, double& w, double&, double&) { w -= lr * g; });
  for (const bool nesterov : {false, true}) {
    UpdateAttrs attrs = c.attrs(1);
    attrs.a = 0.9;
    attrs.flag = nesterov;
    check_update(kSgdUpdate, attrs, c, {rate}, 1, [&](double g, double& w, double& m, double&) {
      m = 0.9 * m - lr * g;
      w += nesterov ? 0.9 * m - lr * g : m;
    });
  }
}

TEST(CpuUpdate, Adam) {
  const Case c;
  UpdateAttrs attrs = c.attrs(2);
  attrs.a = 0.9;
  attrs.b = 0.999;
  attrs.epsilon = 1e-7;
  const Tensor rate = Tensor::scalar(0.01f), alpha = Tensor::scalar(0.003f);
  check_update(kAdamUpdate, attrs, c, {rate, alpha}, 2, [&](double g, double& w, double& m, double& v) {
    m += (g - m) * (1 - 0.9);
    v += (g * g - v) * (1 - 0.999);
    w -= m * alpha.item() / (std::sqrt(v) + 1e-7);
  });
}

TEST(CpuUpdate, Rmsprop) {
  const Case c;
  const Tensor rate = Tensor::scalar(0.01f);
  for (const double momentum : {0.0, 0.8}) {
    const int slots = momentum > 0 ? 2 : 1;
    UpdateAttrs attrs = c.attrs(slots);
    attrs.a = 0.9;
    attrs.b = momentum;
    attrs.epsilon = 1e-7;
    check_update(kRmspropUpdate, attrs, c, {rate}, slots, [&](double g, double& w, double& v, double& m) {
      v = 0.9 * v + (1 - 0.9) * g * g;
      const double step = rate.item() * g / std::sqrt(v + 1e-7);
      m = momentum * m + step;
      w -= momentum > 0 ? m : step;
    });
  }
}

TEST(CpuUpdate, RefusesWhatDoesNotFit) {
  Case c;
  c.shapes = {{5}};
  c.dtypes = {DType::float32};
  c.decay = {0};
  const Spec scalar{{}, DType::float32}, v{{5}, DType::float32};
  EXPECT_TRUE(supported(kSgdUpdate, c.attrs(0), {scalar, v}, {v}));
  EXPECT_FALSE(supported(kSgdUpdate, c.attrs(0), {scalar, v, v}, {v}));
  EXPECT_FALSE(supported(kSgdUpdate, c.attrs(0), {scalar, {{4}, DType::float32}}, {v}));
  EXPECT_FALSE(supported(kAdamUpdate, c.attrs(2), {scalar, v}, {v, v, v}));
}

}  // namespace
}  // namespace keratin
