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
  std::string precision;  // empty: the device's default
  bool deterministic = false;
  StopwatchOptions watch;
};

class StopAfter final : public CallbackImpl {
 public:
  StopAfter(Stopwatch& watch, const StopwatchOptions& options) : watch_(watch), options_(options) {}
  void on_train_batch_end(Training& training, std::int64_t, const LazyLogs&) override {
    // A GPU's steps are only enqueued so far: where the counting begins and ends they must be done.
    if (++steps_ == options_.warm_up_steps || steps_ == options_.warm_up_steps + options_.steps) {
      current_device()->synchronize();
    }
    if (!watch_.step()) training.stop = true;
  }

 private:
  Stopwatch& watch_;
  StopwatchOptions options_;
  std::int64_t steps_ = 0;
};

// The same number for the same bits: what two runs are compared by.
std::string hash_of(const Model& model) {
  std::uint64_t hash = 0xcbf29ce484222325u;  // FNV-1a
  for (const Tensor& weight : model.get_weights()) {
    const auto* bytes = static_cast<const unsigned char*>(weight.raw());
    for (std::size_t i = 0; i < weight.bytes(); ++i) hash = (hash ^ bytes[i]) * 0x100000001b3u;
  }
  char text[20];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

const char* precision_name() {
  switch (float32_precision()) {
    case Precision::highest: return "highest";
    case Precision::high: return "high";
    case Precision::medium: break;
  }
  return "medium";
}

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
  set_deterministic(options.deterministic);
  if (options.precision == "highest") set_float32_precision(Precision::highest);
  if (options.precision == "high") set_float32_precision(Precision::high);
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
                                     .callbacks = {std::make_shared<StopAfter>(watch, options.watch)}});

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
  report["microseconds_per_step"] = watch.seconds() * 1e6 / static_cast<double>(watch.steps());
  report["loss"] = history["loss"].back();
  report["precision"] = precision_name();
  report["deterministic"] = options.deterministic;
  report["weights_hash"] = hash_of(model);
  const MemoryInfo memory = memory_info();
  report["memory_used"] = memory.used;
  report["memory_used_by_all"] = memory.total - memory.free;
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
  app.add_option("--precision", options.precision)->check(CLI::IsMember({"highest", "high"}));
  app.add_flag("--deterministic", options.deterministic);
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
