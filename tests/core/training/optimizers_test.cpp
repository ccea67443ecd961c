// Optimizers against Keras's formulas, computed here in double for ten steps.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "tests/support/expect_error.h"
#include "tests/support/small_models.h"

namespace keratin {
namespace {

using testing::expect_error;

// A model with one weight vector w and loss mean(w * x): its gradient is x / 3.
struct Probe {
  Sequential model;
  Tensor x = Tensor({1, 3}, {3.0f, -6.0f, 0.75f});
  std::vector<double> g = {1.0, -2.0, 0.25}, w = {0.5, 0.5, 0.5};

  explicit Probe(Optimizer optimizer, Constraint constraint = {}, Regularizer regularizer = {}) {
    class Times final : public LayerImpl {
     public:
      Times(Constraint c, Regularizer r)
          : LayerImpl("Times", ""), constraint_(std::move(c)), regularizer_(std::move(r)) {}
      using LayerImpl::call;
      Value call(Value x, CallContext&) override { return x * w_; }

     protected:
      using LayerImpl::build;
      void build(const Shape& input) override {
        w_ = add_weight(
            "w", {input[-1]},
            {.initializer = initializers::Constant(0.5), .regularizer = regularizer_, .constraint = constraint_});
      }

     private:
      Constraint constraint_;
      Regularizer regularizer_;
      Variable w_;
    };
    model = Sequential({Input({3}), Custom<Times>(constraint, regularizer)});
    model.compile(std::move(optimizer), Loss([](const Value&, const Value& p) { return p; }, "identity"));
  }
  void step() { model.train_on_batch(x, x); }
  void check(double tolerance = 1e-5) {
    const auto now = model.get_weights()[0].to_vector<float>();
    for (std::size_t i = 0; i < 3; ++i)
      EXPECT_NEAR(now[i], w[i], tolerance * std::max(1.0, std::abs(w[i]))) << "element " << i;
  }
};

TEST(Optimizers, Sgd) {
  Probe p(optimizers::SGD({.learning_rate = 0.1}));
  for (int t = 0; t < 10; ++t) {
    p.step();
    for (std::size_t i = 0; i < 3; ++i) p.w[i] -= 0.1 * p.g[i];
    p.check();
  }
}

TEST(Optimizers, SgdMomentumAndNesterov) {
  for (const bool nesterov : {false, true}) {
    Probe p(optimizers::SGD({.learning_rate = 0.1, .momentum = 0.9, .nesterov = nesterov}));
    std::vector<double> m(3);
    for (int t = 0; t < 10; ++t) {
      p.step();
      for (std::size_t i = 0; i < 3; ++i) {
        m[i] = 0.9 * m[i] - 0.1 * p.g[i];
        p.w[i] += nesterov ? 0.9 * m[i] - 0.1 * p.g[i] : m[i];
      }
      p.check();
    }
  }
}

TEST(Optimizers, AdamAndDecay) {
  for (const double decay : {0.0, 0.04}) {
    Probe p(decay > 0 ? optimizers::AdamW({.learning_rate = 0.05, .weight_decay = decay})
                      : optimizers::Adam({.learning_rate = 0.05}));
    std::vector<double> m(3), v(3);
    for (int t = 1; t <= 10; ++t) {
      p.step();
      const double alpha = 0.05 * std::sqrt(1 - std::pow(0.999, t)) / (1 - std::pow(0.9, t));
      for (std::size_t i = 0; i < 3; ++i) {
        p.w[i] -= p.w[i] * decay * 0.05;
        m[i] += (p.g[i] - m[i]) * 0.1;
        v[i] += (p.g[i] * p.g[i] - v[i]) * 0.001;
        p.w[i] -= m[i] * alpha / (std::sqrt(v[i]) + 1e-7);
      }
      p.check(1e-4);
    }
    EXPECT_EQ(p.model.optimizer().iterations(), 10);
  }
}

TEST(Optimizers, RmspropWithAndWithoutMomentum) {
  for (const double momentum : {0.0, 0.8}) {
    Probe p(optimizers::RMSprop({.learning_rate = 0.01, .momentum = momentum}));
    std::vector<double> m(3), v(3);
    for (int t = 0; t < 10; ++t) {
      p.step();
      for (std::size_t i = 0; i < 3; ++i) {
        v[i] = 0.9 * v[i] + 0.1 * p.g[i] * p.g[i];
        const double step = 0.01 * p.g[i] / std::sqrt(v[i] + 1e-7);
        m[i] = momentum * m[i] + step;
        p.w[i] -= momentum > 0 ? m[i] : step;
      }
      p.check();
    }
  }
}

TEST(Optimizers, Clipping) {
  const double norm = std::sqrt(1 + 4 + 0.0625);
  Probe by_value(optimizers::SGD({.learning_rate = 1.0, .clipvalue = 0.5}));
  by_value.step();
  by_value.w = {0.0, 1.0, 0.25};
  by_value.check();
  for (const bool global : {false, true}) {
    optimizers::SGDOptions options{.learning_rate = 1.0};
    (global ? options.global_clipnorm : options.clipnorm) = 0.1;
    Probe p(optimizers::SGD(options));
    p.step();
    for (std::size_t i = 0; i < 3; ++i) p.w[i] -= p.g[i] * 0.1 / norm;
    p.check();
  }
}

TEST(Optimizers, ConstraintsAndRegularisers) {
  Probe constrained(optimizers::SGD({.learning_rate = 1.0}), "non_neg");
  constrained.step();
  constrained.w = {0.0, 2.5, 0.25};
  constrained.check();
  Probe regularised(optimizers::SGD({.learning_rate = 0.1}), {}, regularizers::L2(0.5));
  regularised.step();
  for (std::size_t i = 0; i < 3; ++i) regularised.w[i] -= 0.1 * (regularised.g[i] + 2 * 0.5 * regularised.w[i]);
  regularised.check();
}

TEST(Optimizers, SchedulesDecideTheRate) {
  Probe p(optimizers::SGD({.learning_rate = schedules::ExponentialDecay(0.1, 2, 0.5, {.staircase = true})}));
  double rate = 0.1;
  for (int t = 0; t < 6; ++t) {
    rate = 0.1 * std::pow(0.5, t / 2);
    EXPECT_NEAR(p.model.optimizer().learning_rate(), rate, 1e-7);
    p.step();
    for (std::size_t i = 0; i < 3; ++i) p.w[i] -= rate * p.g[i];
    p.check();
  }
  expect_error<InvalidArgument>([&] { p.model.optimizer().set_learning_rate(0.1); }, {"schedule", "ExponentialDecay"});
}

TEST(Optimizers, BadOptions) {
  expect_error<InvalidArgument>([] { optimizers::Muon({.exclude_layers = {"(a*)*"}}); }, {"Muon", "'(a*)*'"});
  expect_error<InvalidArgument>([] { optimizers::Adam({.beta_1 = 1.0}); }, {"Adam", "beta_1"});
  expect_error<InvalidArgument>([] { optimizers::SGD({.momentum = 2}); }, {"SGD", "momentum"});
  expect_error<InvalidArgument>([] { optimizers::SGD({.clipnorm = 1.0, .clipvalue = 1.0}); }, {"only one"});
  expect_error<InvalidArgument>([] { optimizers::RMSprop({.learning_rate = -1.0}); }, {"learning_rate"});
}

TEST(Schedules, Values) {
  EXPECT_NEAR(schedules::InverseTimeDecay(0.1, 10, 2).at(5), 0.1 / (1 + 2 * 0.5), 1e-7);
  const Schedule steps = schedules::PiecewiseConstantDecay({10, 20}, {1, 0.5, 0.1});
  EXPECT_NEAR(steps.at(10), 1, 1e-7);
  EXPECT_NEAR(steps.at(11), 0.5, 1e-7);
  EXPECT_NEAR(steps.at(21), 0.1, 1e-7);
  EXPECT_NEAR(schedules::PolynomialDecay(0.1, 100, {.end_learning_rate = 0.01, .power = 2}).at(50), 0.09 * 0.25 + 0.01,
              1e-7);
  EXPECT_NEAR(schedules::PolynomialDecay(0.1, 100, {.end_learning_rate = 0.01, .cycle = true}).at(150),
              0.09 * 0.25 + 0.01, 1e-6);
  EXPECT_NEAR(schedules::CosineDecay(0.1, 100, {.alpha = 0.1}).at(50), 0.1 * (0.9 * 0.5 + 0.1), 1e-7);
  const Schedule warm = schedules::CosineDecay(0.0, 100, {.warmup_target = 0.1, .warmup_steps = 10});
  EXPECT_NEAR(warm.at(5), 0.05, 1e-7);
  EXPECT_NEAR(warm.at(60), 0.05, 1e-7);
  const Schedule restarts = schedules::CosineDecayRestarts(0.1, 10);
  EXPECT_NEAR(restarts.at(5), 0.05, 1e-6);
  EXPECT_NEAR(restarts.at(20), 0.05, 1e-6);  // the middle of the second period, which is 20 steps long
  expect_error<InvalidArgument>([] { schedules::PiecewiseConstantDecay({1}, {1}); }, {"one value more"});
}

}  // namespace
}  // namespace keratin
