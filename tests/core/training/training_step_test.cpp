// Training loops of the user's: the same numbers as fit, two models with two optimizers, and what is refused.
#include <gtest/gtest.h>

#include <functional>

#include "tests/support/expect_error.h"
#include "tests/support/small_models.h"

namespace keratin {
namespace {

using testing::all_weights;
using testing::expect_error;
using testing::small_data;
using testing::small_model;

// Batch normalisation, dropout and penalties: what a step has besides its gradients.
Sequential model_with_state() {
  set_random_seed(11);
  return Sequential({Input({8}), Dense(16, {.activation = "relu", .kernel_regularizer = "l2"}), BatchNormalization(),
                     Dropout(0.25, {.seed = 7}), Dense(3, {.activation = "softmax", .activity_regularizer = "l1"})});
}

// Steps of the user's and fit's own begin from the same weights and see the same batches.
void expect_same_as_fit(const std::function<Optimizer()>& make_optimizer) {
  const auto data = small_data(96);
  Sequential fitted = model_with_state();
  fitted.compile(make_optimizer(), "sparse_categorical_crossentropy");
  Sequential stepped = model_with_state();
  stepped.set_weights(fitted.get_weights());
  const Optimizer optimizer = make_optimizer();
  const Loss loss_of("sparse_categorical_crossentropy");
  const TrainingStep step([&](const Values& batch) -> Values {
    const auto [loss, gradient] = value_and_gradient(
        [&] { return optimizer.scale_loss(with_extra_losses(loss_of(batch[1], stepped(batch[0])), stepped)); },
        stepped.trainable_variables());
    optimizer.apply(stepped.trainable_variables(), gradient);
    return {loss};
  });
  double first = 0, last = 0;
  for (int epoch = 0; epoch < 2; ++epoch) {
    const double whole =
        fitted.fit(data.x, data.y, {.batch_size = 32, .epochs = 1, .verbose = 0, .shuffle = false})["loss"].front();
    double sum = 0;
    for (std::int64_t row = 0; row < 96; row += 32) {
      const std::vector<Tensor> results = step({data.x.rows(row, row + 32), data.y.rows(row, row + 32)});
      ASSERT_EQ(results.size(), 1u);
      sum += results[0].item() / 3;
    }
    EXPECT_NEAR(sum, whole * optimizer->loss_scale_factor().value_or(1), 1e-4);
    (epoch == 0 ? first : last) = sum;
  }
  EXPECT_LT(last, first);
  EXPECT_EQ(optimizer.iterations(), 6);
  const std::vector<float> a = all_weights(fitted), b = all_weights(stepped);
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-5) << i;
}

TEST(TrainingStep, TrainsAsFitDoes) {
  using namespace optimizers;
  expect_same_as_fit([] { return SGD({.learning_rate = 0.1, .momentum = 0.9}); });
  expect_same_as_fit([] { return Adam({.learning_rate = 0.01}); });
  expect_same_as_fit([] { return Adam({.learning_rate = 0.01, .clipnorm = 0.5, .loss_scale_factor = 8.0}); });
}

TEST(TrainingStep, TwoModelsWithTwoOptimizers) {
  const auto data = small_data(32);
  set_random_seed(5);
  Sequential generator({Input({4}), Dense(8)}), critic({Input({8}), Dense(6, {.activation = "tanh"}), Dense(1)});
  const Optimizer generator_optimizer = optimizers::SGD({.learning_rate = 0.05}), critic_optimizer("adam");
  const Loss bce = losses::BinaryCrossentropy({.from_logits = true});
  const TrainingStep step([&](const Values& batch) -> Values {
    const Value noise = random_normal({32, 4});
    const auto [critic_loss, critic_gradient] = value_and_gradient(
        [&] {
          const Value real = critic(batch[0]), made = critic(generator(noise));
          return bce(ops::ones_like(real), real) + bce(ops::zeros_like(made), made);
        },
        critic.trainable_variables());
    const auto [generator_loss, generator_gradient] = value_and_gradient(
        [&] {
          const Value made = critic(generator(noise));
          return bce(ops::ones_like(made), made);
        },
        generator.trainable_variables());
    critic_optimizer.apply(critic.trainable_variables(), critic_gradient);
    generator_optimizer.apply(generator.trainable_variables(), generator_gradient);
    return {critic_loss, generator_loss};
  });
  std::vector<float> before_critic = all_weights(critic), before_generator = all_weights(generator);
  const std::vector<Tensor> first = step(data.x), second = step(data.x);
  EXPECT_NE(first[0].item(), second[0].item());
  EXPECT_NE(all_weights(critic), before_critic);
  EXPECT_NE(all_weights(generator), before_generator);
  EXPECT_EQ(critic_optimizer.iterations(), 2);
  EXPECT_EQ(generator_optimizer.iterations(), 2);

  // Another step for the critic alone leaves the generator as it is.
  const TrainingStep critic_only([&](const Values& batch) -> Values {
    const auto [loss, gradient] =
        value_and_gradient([&] { return ops::mean(critic(batch[0])); }, critic.trainable_variables());
    critic_optimizer.apply(critic.trainable_variables(), gradient);
    return {};
  });
  before_critic = all_weights(critic);
  before_generator = all_weights(generator);
  EXPECT_TRUE(critic_only(data.x).empty());
  EXPECT_NE(all_weights(critic), before_critic);
  EXPECT_EQ(all_weights(generator), before_generator);
}

TEST(TrainingStep, IsTracedOnceForEachShape) {
  int traced = 0;
  const Variable total("total", {});
  const Optimizer optimizer = optimizers::SGD({.learning_rate = 1.0});
  const TrainingStep step([&](const Values& batch) -> Values {
    ++traced;
    const auto [value, gradient] = value_and_gradient([&] { return total * -ops::sum(batch[0]); }, {total});
    optimizer.apply({total}, gradient);
    return {ops::sum(batch[0]), random_uniform({2})};
  });
  const std::vector<Tensor> one = step(Tensor({2}, {1.0f, 2.0f})), two = step(Tensor({2}, {3.0f, 4.0f}));
  EXPECT_EQ(traced, 1);
  EXPECT_EQ(one[0].item(), 3);
  EXPECT_EQ(two[0].item(), 7);
  EXPECT_NE(one[1].to_vector<float>(), two[1].to_vector<float>());
  EXPECT_EQ(step(Tensor({3}, {1.0f, 1.0f, 1.0f}))[0].item(), 3);
  EXPECT_EQ(traced, 2);
  EXPECT_EQ(total.value().item(), 13);
  step.retrace();
  step(Tensor({3}, {1.0f, 1.0f, 1.0f}));
  EXPECT_EQ(traced, 3);
}

TEST(ValueAndGradient, ComputesOutsideOfAStepToo) {
  Variable w("w", {2}), unused("unused", {3});
  w.assign(Tensor({2}, {1.0f, -2.0f}));
  const auto [value, gradient] = value_and_gradient([&] { return ops::sum(ops::square(w)); }, {w, unused});
  EXPECT_EQ(value.tensor().item(), 5);
  EXPECT_EQ(gradient[0].tensor().to_vector<float>(), (std::vector<float>{2, -4}));
  EXPECT_FALSE(gradient[1]);
}

TEST(TrainingStep, RefusesWhatCannotBe) {
  const Variable w("w", {2}), other("other", {2});
  const Optimizer sgd("sgd"), adam("adam");
  const Tensor x({2}, {1.0f, 2.0f});
  const auto refused = [&](const TrainingStep::Function& function, const std::string& says) {
    const TrainingStep step(function, {.name = "mine"});
    expect_error<InvalidArgument>([&] { step(x); }, {"mine (TrainingStep): "});
    expect_error<InvalidArgument>([&] { step(x); }, {says});
  };
  const auto product = [&](const Values& in) {
    return value_and_gradient([&] { return ops::sum(in[0] * w); }, {w}).gradient;
  };
  refused([&](const Values& in) -> Values { return {in[0]}; }, "returns one of its inputs");
  refused([&](const Values&) -> Values { return {}; }, "neither returns nor updates anything");
  refused([&](const Values& in) -> Values { return {value_and_gradient([&] { return in[0]; }, {w}).value}; },
          "must return a floating scalar, got float32 of shape (2,)");
  refused([&](const Values& in) -> Values { return {value_and_gradient([&] { return in[0]; }, {}).value}; },
          "no variables were given");
  refused(
      [&](const Values& in) -> Values {
        sgd.apply({w, other}, product(in));
        return {};
      },
      "optimizer sgd: apply: got 2 variables and 1 gradients");
  refused(
      [&](const Values& in) -> Values {
        sgd.apply({w}, {ops::sum(in[0])});
        return {};
      },
      "the gradient of w has shape (), the variable (2,)");
  refused(
      [&](const Values&) -> Values {
        sgd.apply({w}, {Value()});
        return {};
      },
      "no gradient for any variable");
  refused(
      [&](const Values& in) -> Values {
        sgd.apply({w}, product(in));
        adam.apply({w}, product(in));
        return {};
      },
      "w is already updated in this step");
  refused(
      [&](const Values& in) -> Values {
        sgd.apply({w}, product(in));
        sgd.apply({other}, product(in));
        return {};
      },
      "updates once in a step");
  refused([&](const Values&) -> Values { return {with_extra_losses(1.0, Dense(2))}; },
          "with_extra_losses: call it within");
  EXPECT_EQ(all_weights(Sequential({Input({1}), Dense(1)})).size(), 2u);  // nothing is left behind
  expect_error<InvalidArgument>([&] { sgd.apply({w}, {Value(x)}); }, {"call it within the function of a TrainingStep"});
  expect_error<InvalidArgument>([] { random_normal({2}); }, {"random_normal: call it within"});
  const TrainingStep inner([](const Values& in) -> Values { return {ops::sum(in[0])}; });
  refused([&](const Values&) -> Values { return {inner(x)[0]}; }, "within the function of a step");
}

}  // namespace
}  // namespace keratin
