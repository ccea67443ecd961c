#include "keratin/tools/bench/bench.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "keratin/tools/bench/models.h"

namespace keratin::tools {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kMatMul = "matmul";
constexpr std::int64_t kMatMulSize = 1000;
constexpr int kProducts = 10;

void tell_progress(const std::string& text) {
  if (isatty(STDERR_FILENO)) std::fprintf(stderr, "%s\n", text.c_str());
}

// A product of 1000x1000 matrices: ten in a row, so that copying in and out weighs little.
DeviceTiming time_matmul(const std::string& device, double seconds) {
  DeviceTiming timing;
  timing.device = device;
  try {
    const DeviceScope scope(device);
    timing.device = current_device_name();
    timing.description = device_details().description;
    const Tensor a = Tensor::full({kMatMulSize, kMatMulSize}, 1e-3), b = a.clone();
    const auto run = [&] {
      const Clock::time_point start = Clock::now();
      Value y = a;
      for (int i = 0; i < kProducts; ++i) y = ops::matmul(y, b);
      if (y.tensor().size() == 0) throw InvalidArgument("bench: a product is empty");
      return std::chrono::duration<double>(Clock::now() - start).count() / kProducts;
    };
    timing.first_step_seconds = kProducts * run();
    run();
    std::vector<double> times;
    for (const Clock::time_point start = Clock::now();
         times.size() < 3 || std::chrono::duration<double>(Clock::now() - start).count() < seconds;) {
      times.push_back(run());
    }
    std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
    timing.step_seconds = timing.epoch_seconds = times[times.size() / 2];
    timing.samples_per_second = 1 / timing.step_seconds;
    timing.memory_bytes = 3 * a.shape().size() * 4;
  } catch (const DeviceError& error) {
    timing = {};
    timing.device = device;
    timing.skipped = error.what();
  }
  return timing;
}

std::vector<std::string> chosen_models(const BenchOptions& options) {
  std::vector<std::string> known;
  for (const BenchModel& model : bench_models()) known.emplace_back(model.id);
  known.emplace_back(kMatMul);
  for (const std::string& id : options.models) {
    if (std::find(known.begin(), known.end(), id) != known.end()) continue;
    std::string list;
    for (const std::string& name : known) list += (list.empty() ? "" : ", ") + name;
    throw InvalidArgument("bench: unknown model '" + id + "'" + did_you_mean(id, known) + "; there are " + list);
  }
  return options.models.empty() ? known : options.models;
}

void measure_model(const BenchModel& model, const BenchOptions& options, const std::vector<std::string>& devices,
                   BenchReport& report) {
  const auto [x, y] = made_up_data(model);
  for (const std::int64_t batch : options.batch_sizes) {
    tell_progress("measuring " + std::string(model.id) + ", batch size " + std::to_string(batch));
    reset_names();  // layer names, and so random numbers, are the same for every model
    Model made = model.make();
    made.compile("adam", "sparse_categorical_crossentropy", {"accuracy"});
    const DeviceBenchmark measured =
        made.benchmark_devices(x, y, {.batch_size = batch, .seconds = options.seconds, .devices = devices});
    for (const DeviceTiming& timing : measured.devices) {
      report.rows.push_back({model.id, model.description, measured.batch_size, timing});
    }
    if (batch >= model.samples) break;  // larger ones would be the same
  }
}

}  // namespace

BenchReport measure(const BenchOptions& options) {
  BenchReport report;
  std::vector<std::string> devices = options.devices.empty() ? visible_devices() : options.devices;
  // Devices asked for by name must be there.
  for (const std::string& device : options.devices) open_device(device);
  if (visible_devices("GPU").empty()) report.gpu_skipped = gpu_unavailable_reason();
  for (const std::string& id : chosen_models(options)) {
    if (id == kMatMul) {
      tell_progress("measuring a 1000x1000 matmul");
      const std::size_t first = report.rows.size();
      for (const std::string& device : devices) {
        report.rows.push_back({kMatMul, "product of 1000x1000 matrices", 1, time_matmul(device, options.seconds)});
      }
      const DeviceTiming& cpu = report.rows[first].timing;
      if (cpu.device != "cpu:0") continue;
      for (std::size_t i = first; i < report.rows.size(); ++i) {
        DeviceTiming& timing = report.rows[i].timing;
        if (cpu.samples_per_second > 0) timing.speedup = timing.samples_per_second / cpu.samples_per_second;
      }
      continue;
    }
    for (const BenchModel& model : bench_models()) {
      if (model.id == id) measure_model(model, options, devices, report);
    }
  }
  return report;
}

int run_bench(const BenchOptions& options) {
  for (const std::int64_t batch : options.batch_sizes) {
    if (batch <= 0) throw InvalidArgument("bench: batch sizes must be positive, got " + std::to_string(batch));
  }
  const BenchReport report = measure(options);
  if (!options.chart.empty()) report.draw(options.chart);
  const std::string text = options.json ? report.to_json() : options.csv ? report.to_csv() : report.to_text();
  std::fputs(text.c_str(), stdout);
  return 0;
}

}  // namespace keratin::tools
