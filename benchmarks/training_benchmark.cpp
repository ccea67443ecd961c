// keratin_training_benchmark: how many images a second the two MNIST models train with, as one line of JSON.
// Only training steps are timed: no validation, nothing printed, the first steps left out.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <memory>
#include <nlohmann/json.hpp>

#include "keratin/keratin.h"

#include "stopwatch.h"

namespace {

using namespace keratin;

struct Options {
  std::string model = "mlp", data = "digits", device = "cpu";
  std::int64_t batch_size = 128;
  int threads = 1;
  StopwatchOptions watch;
};

class StopAfter final : public CallbackImpl {
 public:
  explicit StopAfter(Stopwatch& watch) : watch_(watch) {}
  void on_train_batch_end(Training& training, std::int64_t, const LazyLogs&) override {
    if (!watch_.step()) training.stop = true;
  }

 private:
  Stopwatch& watch_;
};

Sequential make_model(const std::string& name) {
  if (name == "mlp") {
    return Sequential({
        Input({28, 28, 1}),
        Rescaling(1.0 / 255),
        Flatten(),
        Dense(128, {.activation = "relu"}),
        Dense(10, {.activation = "softmax"}),
    });
  }
  return Sequential({
      Input({28, 28, 1}),
      Rescaling(1.0 / 255),
      Conv2D(32, {3, 3}, {.activation = "relu"}),
      MaxPooling2D({2, 2}),
      Conv2D(64, {3, 3}, {.activation = "relu"}),
      MaxPooling2D({2, 2}),
      Flatten(),
      Dense(128, {.activation = "relu"}),
      Dense(10, {.activation = "softmax"}),
  });
}

void run(const Options& options) {
  set_random_seed(1);
  set_device(options.device);
  set_num_threads(options.threads);
  const auto [train, test] = options.data == "digits" ? datasets::digits() : datasets::mnist(options.data);
  // Whole batches only, so that every step is the same amount of work.
  const std::int64_t rows = train.x.shape()[0] / options.batch_size * options.batch_size;

  Sequential model = make_model(options.model);
  model.compile("adam", "sparse_categorical_crossentropy", {"accuracy"});
  Stopwatch watch(options.watch);
  const History history = model.fit(train.x.rows(0, rows), train.y.rows(0, rows),
                                    {.batch_size = options.batch_size,
                                     .epochs = 1'000'000,  // the stopwatch ends it
                                     .verbose = 0,
                                     .callbacks = {std::make_shared<StopAfter>(watch)}});

  nlohmann::ordered_json report;
  report["library"] = "keratin";
  report["model"] = options.model;
  report["device"] = current_device_name();
  report["device_description"] = current_device()->info().description;
  report["threads"] = num_threads();
  report["batch_size"] = options.batch_size;
  report["steps"] = watch.steps();
  report["seconds"] = watch.seconds();
  report["images_per_second"] = static_cast<double>(watch.steps() * options.batch_size) / watch.seconds();
  report["loss"] = history["loss"].back();
  std::printf("%s\n", report.dump().c_str());
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Measures the training of two MNIST models.");
  app.add_option("--model", options.model)->capture_default_str()->check(CLI::IsMember({"mlp", "cnn"}));
  app.add_option("--data", options.data, "folder with MNIST's IDX files, or 'digits' for the bundled set")
      ->capture_default_str();
  app.add_option("--device", options.device)->capture_default_str();
  app.add_option("--threads", options.threads)->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--batch-size", options.batch_size)->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--steps", options.watch.steps, "steps to time; 0: as many as --seconds hold")->capture_default_str();
  app.add_option("--seconds", options.watch.seconds)->capture_default_str();
  app.add_option("--warm-up-steps", options.watch.warm_up_steps)->capture_default_str();
  app.add_option("--warm-up-seconds", options.watch.warm_up_seconds)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
