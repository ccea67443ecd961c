#include "keratin/tools/bench/bench.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "keratin/core/compiler/passes.h"
#include "keratin/core/graph/leaves.h"
#include "keratin/core/runtime/plan_instance.h"
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

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// a·b·b·..., ten products of 1000x1000 matrices in a row.
Program products() {
  const Spec square{{kMatMulSize, kMatMulSize}, DType::float32};
  const Value a = input_value("a", square), b = input_value("b", square);
  Value y = a;
  for (int i = 0; i < kProducts; ++i) y = ops::matmul(y, b);
  return {.name = kMatMul, .inputs = {a, b}, .outputs = {y}, .updates = {}, .gradients = {}};
}

// Of a product whose matrices lie on the device: they are copied there once, and the result stays.
DeviceTiming time_matmul(const std::string& device, double seconds) {
  DeviceTiming timing;
  timing.device = device;
  try {
    const DeviceScope scope(device);
    timing = DeviceTiming::of_current_device();
    const Tensor matrix = Tensor::full({kMatMulSize, kMatMulSize}, 1e-3);
    Clock::time_point start = Clock::now();
    const std::shared_ptr<Backend> backend = current_device();
    PlanInstance plan(compile(products(), *backend), compile_options(), std::make_shared<Arena>(backend));
    timing.memory_bytes = plan.bytes_to_allocate();
    plan.allocate();
    for (const int input : {0, 1}) plan.write_input(input, matrix);
    // Seconds of one run among so many, waited for once.
    const auto run = [&](std::int64_t count) {
      const Clock::time_point begin = Clock::now();
      for (std::int64_t i = 0; i < count; ++i) plan.run();
      backend->synchronize();
      return seconds_since(begin) / static_cast<double>(count);
    };
    run(1);
    timing.first_step_seconds = seconds_since(start);
    run(1);  // the device may capture what it repeats
    const double one = std::max(1e-7, run(1));
    const auto chunk = std::clamp<std::int64_t>(static_cast<std::int64_t>(seconds / 5 / one), 1, 1000);
    std::vector<double> times;
    for (start = Clock::now(); times.size() < 3 || seconds_since(start) < seconds;) {
      times.push_back(run(chunk) / kProducts);
    }
    std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2), times.end());
    timing.step_seconds = timing.epoch_seconds = times[times.size() / 2];
    timing.epoch_timed = true;
    timing.samples_per_second = 1 / timing.step_seconds;
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
    reset_names();  // layers are called the same in every model
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
