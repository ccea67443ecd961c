// keratin_training_benchmark: how many images a second a model trains with, or predicts, as one line of JSON.
// Only steps are timed: no validation, nothing printed, the first ones left out.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <memory>
#include <nlohmann/json.hpp>

#include "keratin/core/runtime/backend.h"
#include "keratin/keratin.h"

#include "models.h"
#include "stopwatch.h"

namespace {

using namespace keratin;

struct Options {
  std::string model = "mlp", task = "train", data = "digits", device = "cpu";
  std::int64_t batch_size = 128, samples = 20000;
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

// Predicts batch after batch until the watch stops it.
void predict(const Model& model, const Tensor& x, std::int64_t batch, Stopwatch& watch) {
  const Predictor predictor(model, {.batch_size = batch, .input_dtypes = {x.dtype()}});
  std::vector<std::vector<Tensor>> batches;
  for (std::int64_t row = 0; row + batch <= x.shape()[0] && batches.size() < 64; row += batch) {
    batches.push_back({x.rows(row, row + batch)});
  }
  std::vector<Tensor> y = {Tensor(predictor.output_shapes()[0], DType::float32)};
  for (std::size_t i = 0;; i = (i + 1) % batches.size()) {
    predictor(std::span<const Tensor>(batches[i]), y);
    if (!watch.step()) return;
  }
}

std::pair<Tensor, Tensor> data_for(const Model& model, const std::string& name, std::int64_t samples) {
  const Shape& input = model.inputs().front().shape();
  if (name == "random" || input.rank() != 4 || input[3] == 3) {
    return benchmarks::random_data(model, samples);
  }
  const auto [train, test] = name == "digits" ? datasets::digits() : datasets::mnist(name);
  return {train.x, train.y};
}

void run(const Options& options) {
  set_random_seed(1);
  set_device(options.device);
  set_num_threads(options.threads);
  set_deterministic(options.deterministic);
  if (options.precision == "highest") set_float32_precision(Precision::highest);
  if (options.precision == "high") set_float32_precision(Precision::high);
  if (options.precision == "medium") set_float32_precision(Precision::medium);
  Model model = benchmarks::make_model(options.model);
  const auto [x, y] = data_for(model, options.data, options.samples);
  // Whole batches only, so that every step is the same amount of work.
  const std::int64_t rows = x.shape()[0] / options.batch_size * options.batch_size;
  const benchmarks::Flops flops = benchmarks::count_flops(model);

  Stopwatch watch(options.watch);
  double loss = 0;
  if (options.task == "predict") {
    predict(model, x.rows(0, rows), options.batch_size, watch);
  } else {
    model.compile("adam", "sparse_categorical_crossentropy", {"accuracy"});
    const History history = model.fit(x.rows(0, rows), y.rows(0, rows),
                                      {.batch_size = options.batch_size,
                                       .epochs = 1'000'000,  // the stopwatch ends it
                                       .verbose = 0,
                                       .callbacks = {std::make_shared<StopAfter>(watch, options.watch)}});
    loss = history["loss"].back();
  }
  const double images = static_cast<double>(watch.steps() * options.batch_size);

  nlohmann::ordered_json report;
  report["library"] = "keratin";
  report["model"] = options.model;
  report["task"] = options.task;
  report["device"] = current_device_name();
  report["device_description"] = device_details().description;
  report["threads"] = num_threads();
  report["batch_size"] = options.batch_size;
  report["steps"] = watch.steps();
  report["seconds"] = watch.seconds();
  report["images_per_second"] = images / watch.seconds();
  report["microseconds_per_step"] = watch.seconds() * 1e6 / static_cast<double>(watch.steps());
  report["gflops"] = images * (options.task == "predict" ? flops.forward : flops.training) / watch.seconds() * 1e-9;
  if (options.task == "train") report["loss"] = loss;
  report["precision"] = DeviceTiming::of_current_device().precision;
  for (const auto& [what, meaning] : device_details().versions) {
    if (what == "precision") report["precisions"] = meaning;  // what the levels mean on this processor
  }
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
  CLI::App app("Measures the training of a model, or its predictions.");
  app.add_option("--model", options.model)->capture_default_str()->check(CLI::IsMember(benchmarks::model_names()));
  app.add_option("--task", options.task)->capture_default_str()->check(CLI::IsMember({"train", "predict"}));
  app.add_option("--data", options.data, "folder with MNIST's IDX files, 'digits' (the bundled set), or 'random'")
      ->capture_default_str();
  app.add_option("--device", options.device)->capture_default_str();
  app.add_option("--threads", options.threads)->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--batch-size", options.batch_size)->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--samples", options.samples, "random ones")->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--precision", options.precision)->check(CLI::IsMember({"highest", "high", "medium"}));
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
