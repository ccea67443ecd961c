// A generative adversarial network: two models, two optimizers and a training step of one's own. The generator makes
// digits of noise, the discriminator tells them from the bundled digits.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>

#include <keratin/io/image.h>
#include <keratin/keratin.h>

namespace {

using namespace keratin;

struct Options {
  int steps = 3000, show_every = 500;
  std::int64_t batch_size = 64, noise = 32;
  std::string device = "auto", png;
  std::uint64_t seed = 1;
};

Sequential make_generator(std::int64_t noise) {
  return Sequential({
      Input({noise}),
      Dense(128),
      LeakyReLU({.negative_slope = 0.2}),
      Dense(256),
      LeakyReLU({.negative_slope = 0.2}),
      Dense(784, {.activation = "tanh"}),
      Reshape({28, 28, 1}),
  });
}

// Its output is a logit: positive for what it takes for a real digit.
Sequential make_discriminator() {
  return Sequential({
      Input({28, 28, 1}),
      Flatten(),
      Dense(256),
      LeakyReLU({.negative_slope = 0.2}),
      Dropout(0.3),
      Dense(64),
      LeakyReLU({.negative_slope = 0.2}),
      Dense(1),
  });
}

// -1 to 1 becomes 0 to 255.
Tensor as_pictures(const Tensor& images) {
  Tensor result(images.shape(), DType::uint8);
  const auto from = images.values<float>();
  const auto to = result.values<std::uint8_t>();
  std::transform(from.begin(), from.end(), to.begin(),
                 [](float x) { return static_cast<std::uint8_t>(std::clamp(127.5f * (x + 1), 0.0f, 255.0f)); });
  return result;
}

// Images side by side, (28, n * 28).
Tensor side_by_side(const Tensor& pictures) {
  const std::int64_t n = pictures.shape()[0];
  Tensor row({28, n * 28}, DType::uint8);
  const auto from = pictures.values<std::uint8_t>();
  const auto to = row.values<std::uint8_t>();
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t y = 0; y < 28; ++y) {
      std::copy_n(from.begin() + (i * 28 + y) * 28, 28, to.begin() + (y * n + i) * 28);
    }
  }
  return row;
}

void run(const Options& o) {
  set_device(o.device);
  set_random_seed(o.seed);
  const Tensor digits = datasets::digits({.train = 10000, .test = 0, .seed = o.seed}).train.x;
  Sequential generator = make_generator(o.noise), discriminator = make_discriminator();
  const Optimizer generator_optimizer = optimizers::Adam({.learning_rate = 2e-4, .beta_1 = 0.5});
  const Optimizer discriminator_optimizer = optimizers::Adam({.learning_rate = 2e-4, .beta_1 = 0.5});
  const Loss loss = losses::BinaryCrossentropy({.from_logits = true});

  const TrainingStep step([&](const Values& batch) -> Values {
    const Value real = ops::cast(batch[0], DType::float32) * (2.0 / 255) - 1.0;
    const Value noise = random_normal({real.shape()[0], o.noise});
    const auto [d_loss, d_gradient] = value_and_gradient(
        [&] {
          const Value judged_real = discriminator(real), judged_made = discriminator(generator(noise));
          // Targets of 0.9 instead of 1 keep the discriminator from being too sure.
          return 0.5 * (loss(0.9 * ops::ones_like(judged_real), judged_real) +
                        loss(ops::zeros_like(judged_made), judged_made));
        },
        discriminator.trainable_variables());
    const auto [g_loss, g_gradient] = value_and_gradient(
        [&] {
          const Value judged = discriminator(generator(noise));
          return loss(ops::ones_like(judged), judged);
        },
        generator.trainable_variables());
    discriminator_optimizer.apply(discriminator.trainable_variables(), d_gradient);
    generator_optimizer.apply(generator.trainable_variables(), g_gradient);
    return {d_loss, g_loss};
  });

  const Tensor noise = initializers::RandomNormal({.stddev = 1.0})({8, o.noise}, DType::float32, o.seed);
  const std::int64_t batches = digits.shape()[0] / o.batch_size;
  for (int i = 1; i <= o.steps; ++i) {
    const std::int64_t first = (i - 1) % batches * o.batch_size;
    const std::vector<Tensor> losses = step(digits.rows(first, first + o.batch_size));
    if (i % o.show_every != 0 && i != o.steps) continue;
    const Tensor pictures = as_pictures(generator.predict(noise));
    std::printf("step %d: discriminator loss %.3f, generator loss %.3f\n%s\n", i, losses[0].item(), losses[1].item(),
                images_to_terminal(pictures).c_str());
    if (!o.png.empty()) write_png(o.png, side_by_side(pictures));
  }
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Trains a generator of handwritten digits and a discriminator against each other.");
  app.add_option("--steps", options.steps, "steps of training")->check(CLI::PositiveNumber);
  app.add_option("--show-every", options.show_every, "steps between two rows of pictures")->check(CLI::PositiveNumber);
  app.add_option("--batch-size", options.batch_size)->check(CLI::Range(1, 10000));
  app.add_option("--device", options.device, "auto, cpu, cuda, cuda:1");
  app.add_option("--seed", options.seed);
  app.add_option("--png", options.png, "also write the last row of pictures to this file");
  app.option_defaults()->always_capture_default();
  CLI11_PARSE(app, argc, argv);
  try {
    run(options);
  } catch (const keratin::Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
