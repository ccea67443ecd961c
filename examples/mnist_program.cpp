#include "mnist_program.h"

#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>

#include <keratin/core/runtime/backend.h>
#include <keratin/io/chart.h>
#include <keratin/io/image.h>

namespace {

using namespace keratin;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

double seconds_between(Clock::time_point from, Clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

// Times the steps. The first ones, which warm caches up, do not count for the throughput. A GPU is only told of a step
// when the step is over for the CPU, so the clock is looked at seldom, and after waiting for the device.
class Stopwatch final : public CallbackImpl {
 public:
  Stopwatch(Clock::time_point start, std::int64_t batch_size) : start_(start), batch_size_(batch_size) {}
  void on_epoch_begin(Training&, int) override { epoch_begin_ = counted_from_ = Clock::now(); }
  void on_train_batch_end(Training& training, std::int64_t step, const LazyLogs&) override {
    if (++steps_ > kWarmUp) ++counted_steps_;
    const bool last = step + 1 == training.steps;
    if (steps_ != 1 && steps_ != kWarmUp && !last) return;
    current_device()->synchronize();
    const Clock::time_point now = Clock::now();
    if (steps_ == 1) first_step = seconds_between(start_, now);
    if (steps_ == kWarmUp) counted_from_ = now;
    if (!last) return;
    epoch_seconds.push_back(seconds_between(epoch_begin_, now));
    if (steps_ > kWarmUp) counted_seconds_ += seconds_between(counted_from_, now);
  }
  double images_per_second() const {
    return counted_seconds_ > 0 ? static_cast<double>(counted_steps_ * batch_size_) / counted_seconds_ : 0;
  }

  double first_step = 0;
  std::vector<double> epoch_seconds;

 private:
  static constexpr std::int64_t kWarmUp = 20;
  Clock::time_point start_, epoch_begin_, counted_from_;
  std::int64_t batch_size_, steps_ = 0, counted_steps_ = 0;
  double counted_seconds_ = 0;
};

datasets::Split load(const std::string& data, std::uint64_t seed) {
  return data == "digits" ? datasets::digits({.seed = seed}) : datasets::mnist(data);
}

std::int64_t peak_rss_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return std::int64_t{usage.ru_maxrss} * 1024;
}

void show_predictions(Sequential& model, const datasets::LabeledData& test, int count) {
  const Tensor images = test.x.rows(0, std::min<std::int64_t>(count, test.x.shape()[0]));
  const Tensor scores = model.predict(images);
  std::vector<std::string> captions;
  for (std::int64_t i = 0; i < scores.shape()[0]; ++i) {
    std::int64_t best = 0;
    for (std::int64_t k = 1; k < 10; ++k) {
      if (scores.at({i, k}) > scores.at({i, best})) best = k;
    }
    char caption[32];
    std::snprintf(caption, sizeof caption, "%ld (%.3f)", static_cast<long>(best), scores.at({i, best}));
    captions.emplace_back(caption);
  }
  std::printf("\nPredictions for held-out digits, with their probability:\n%s\n",
              images_to_terminal(images, captions).c_str());
}

void draw_curves(const History& history, const std::string& path) {
  std::vector<ChartSeries> logs;
  for (const char* name : {"loss", "val_loss", "accuracy", "val_accuracy"}) {
    logs.push_back({.name = name, .values = history[name]});
  }
  write_svg_chart(path, learning_curves("Learning curves", logs));
  std::printf("Learning curves: %s\n", path.c_str());
}

Json memory_json(const MemoryReport& m) {
  return {{"weights", m.weights},     {"gradients", m.gradients},
          {"optimizer", m.optimizer}, {"activations", m.activations},
          {"workspace", m.workspace}, {"feed", m.feed},
          {"total", m.total()}};
}

int run(const MnistOptions& options, const std::function<Sequential()>& make, Clock::time_point start) {
  set_random_seed(options.seed);
  set_device(options.device);
  if (options.threads > 0) set_num_threads(options.threads);
  std::printf("Device: %s, %s (%s)\n", current_device_name().c_str(), device_details().description.c_str(),
              device_reason().c_str());

  const auto [train, test] = load(options.data, options.seed);
  Sequential model = make();
  model.compile("adam", "sparse_categorical_crossentropy", {"accuracy"});
  model.summary({.batch_size = options.batch_size});

  auto watch = std::make_shared<Stopwatch>(start, options.batch_size);
  const History history = model.fit(train.x, train.y,
                                    {.batch_size = options.batch_size,
                                     .epochs = options.epochs,
                                     .callbacks = {watch},
                                     .validation_data = {test.x, test.y},
                                     .validation_batch_size = 256});
  const Logs result = model.evaluate(test.x, test.y, {.batch_size = 256, .verbose = 0});
  std::printf("Test loss %.4f, test accuracy %.4f, %.0f images/s in training\n", result["loss"], result["accuracy"],
              watch->images_per_second());

  Json report;
  report["device"] = current_device_name();
  report["device_description"] = device_details().description;
  report["device_reason"] = device_reason();
  report["data"] = options.data;
  report["batch_size"] = options.batch_size;
  report["seed"] = options.seed;
  report["threads"] = num_threads();
  report["parameters"] = model.count_params();
  report["epochs"] = Json::array();
  for (std::size_t i = 0; i < history.epoch.size(); ++i) {
    Json epoch;
    for (const auto& [name, values] : history.history) epoch[name] = values[i];
    epoch["seconds"] = watch->epoch_seconds[i];
    report["epochs"].push_back(epoch);
  }
  report["test_loss"] = result["loss"];
  report["test_accuracy"] = result["accuracy"];
  if (!options.test_data.empty()) {
    const datasets::Split other = load(options.test_data, options.seed + 1);
    const Logs second = model.evaluate(other.test.x, other.test.y, {.batch_size = 256, .verbose = 0});
    std::printf("On %s: loss %.4f, accuracy %.4f\n", options.test_data.c_str(), second["loss"], second["accuracy"]);
    report["second_test_data"] = options.test_data;
    report["second_test_accuracy"] = second["accuracy"];
  }
  report["images_per_second"] = watch->images_per_second();
  report["seconds_to_first_step"] = watch->first_step;
  report["memory"] = memory_json(model.memory(options.batch_size));
  report["peak_rss_bytes"] = peak_rss_bytes();

  if (options.show > 0) show_predictions(model, test, options.show);
  if (!options.curves.empty()) draw_curves(history, options.curves);
  if (!options.save.empty()) {
    model.save_weights(options.save);
    std::printf("Weights: %s\n", options.save.c_str());
  }
  if (!options.report.empty()) {
    std::ofstream file(options.report);
    file << report.dump(2) << "\n";
    if (!file.flush()) throw FileError("cannot write the report " + options.report);
    std::printf("Report: %s\n", options.report.c_str());
  }
  return 0;
}

}  // namespace

int run_mnist_program(int argc, char** argv, const std::string& description, const std::function<Sequential()>& make) {
  const Clock::time_point start = Clock::now();
  MnistOptions options;
  CLI::App app(description);
  app.add_option("--data", options.data, "folder with MNIST's IDX files, or 'digits' for the bundled set")
      ->capture_default_str();
  app.add_option("--epochs", options.epochs)->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--batch-size", options.batch_size)->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--device", options.device, "auto, cpu, cuda or cuda:<number>")->capture_default_str();
  app.add_option("--seed", options.seed)->capture_default_str();
  app.add_option("--threads", options.threads, "0: as many as the machine has")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--report", options.report, "write figures of the run to this JSON file");
  app.add_option("--save", options.save, "write the weights to this .weights.h5 file");
  app.add_option("--curves", options.curves, "draw the learning curves in this SVG file");
  app.add_option("--show", options.show, "show this many predictions as pictures")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  app.add_option("--test-data", options.test_data, "evaluate on a second test set, too: a folder or 'digits'");
  CLI11_PARSE(app, argc, argv);
  try {
    return run(options, make, start);
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
