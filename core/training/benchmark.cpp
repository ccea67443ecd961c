#include "keratin/core/training/benchmark.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <utility>

#include "keratin/core/training/detail/model_impl.h"
#include "keratin/core/training/detail/prefetch.h"
#include "keratin/core/training/detail/stream.h"
#include "keratin/core/training/detail/trainer.h"

namespace keratin {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

// Of BenchmarkOptions::seconds: an epoch that takes longer is not run.
constexpr double kLongestEpoch = 5;

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Measures one model, whose variables get their values back.
class Measurement {
 public:
  Measurement(Model& model, const Dataset& data, const BenchmarkOptions& options)
      : model_(model), trainer_(model.model_impl().trainer()), data_(data), options_(options) {
    batch_ = std::min(options.batch_size, data.size());
    full_steps_ = data.size() / batch_;
  }
  ~Measurement() { restore(); }
  Measurement(const Measurement&) = delete;
  Measurement& operator=(const Measurement&) = delete;

  DeviceTiming run(const std::string& name) {
    DeviceTiming timing;
    timing.device = name;
    try {
      const DeviceScope scope(name);
      timing = DeviceTiming::of_current_device();
      trainer_.begin_call();
      train(timing);
      batches_.reset();
      epoch(timing);
      predict(timing);
    } catch (const DeviceError& error) {
      DeviceTiming skipped;
      skipped.device = timing.device;
      skipped.description = timing.description;
      skipped.precision = timing.precision;
      skipped.skipped = error.what();
      return skipped;
    }
    return timing;
  }

 private:
  std::shared_ptr<StepPlan> plan(std::int64_t rows) {
    return trainer_.plan(Phase::train, rows, data_.x(), data_.y(), false, !streams_, data_.maps());
  }

  void train(DeviceTiming& timing) {
    Clock::time_point start = Clock::now();
    // As in training: data that the device does not hold beside the model comes batch by batch.
    streams_ = false;
    streams_ = !trainer_.fits("benchmark_devices", data_, plan(batch_)->instance->bytes_to_allocate());
    const std::shared_ptr<StepPlan> step = plan(batch_);
    timing.first_step_seconds = seconds_since(start);
    remember(*step);
    start = Clock::now();
    trainer_.allocate("benchmark_devices", batch_,
                      [this](std::int64_t rows) { return Trainer::StepPlans{plan(rows)}; });
    std::optional<ResidentData> resident;
    if (!streams_) resident.emplace(trainer_.resident(Phase::train, data_));
    steps(*step, resident, 1);
    timing.first_step_seconds += seconds_since(start);
    // The device loads and captures what it needs in the first steps.
    start = Clock::now();
    for (int i = 0; i < 5 && (i == 0 || seconds_since(start) < options_.seconds); ++i) steps(*step, resident, 1);
    start = Clock::now();
    steps(*step, resident, 1);
    const double one = std::max(1e-7, seconds_since(start));
    const auto chunk = std::clamp<std::int64_t>(static_cast<std::int64_t>(options_.seconds / 5 / one), 1, full_steps_);
    std::vector<double> per_step;
    for (start = Clock::now(); per_step.size() < 3 || seconds_since(start) < options_.seconds;) {
      const Clock::time_point begin = Clock::now();
      steps(*step, resident, chunk);
      per_step.push_back(seconds_since(begin) / static_cast<double>(chunk));
    }
    timing.step_seconds = median(per_step);
    timing.samples_per_second = static_cast<double>(batch_) / timing.step_seconds;
    timing.memory_bytes = trainer_.memory(batch_).total();
  }

  // As users train: with bringing the data to the device, the last, smaller batch, and reading the metrics back.
  void epoch(DeviceTiming& timing) {
    timing.epoch_seconds = static_cast<double>(data_.size()) / timing.samples_per_second;
    if (timing.epoch_seconds > kLongestEpoch * options_.seconds) return;
    const auto fit = [&](const Dataset& data, int epochs) {
      const Clock::time_point start = Clock::now();
      fit_model(model_, data, {.batch_size = batch_, .epochs = epochs, .verbose = 0});
      return seconds_since(start);
    };
    try {
      // The plan of the smaller batch is to be compiled, loaded and captured as well.
      fit(streams_ ? data_ : data_.rows(0, batch_ + data_.size() % batch_), streams_ ? 1 : 3);
      const double seconds = fit(data_, 1);
      timing.epoch_seconds = seconds;
      timing.epoch_timed = true;
    } catch (const OutOfMemory&) {
      // The smaller batch has no room beside the others: the steps have been timed, and the epoch stays computed.
    }
  }

  // So many steps of one pass over the data, waited for.
  void steps(StepPlan& step, std::optional<ResidentData>& resident, std::int64_t count) {
    if (resident) resident->begin(true, 1);
    for (std::int64_t i = 0; i < count; ++i) {
      if (resident) {
        trainer_.run(step);
      } else {
        trainer_.run_batch(Phase::train, next_batch(), data_.maps());
      }
    }
    trainer_.backend()->synchronize();
  }

  // Full batches, again and again through the data.
  const Batch& next_batch() {
    const Batch* batch = batches_ ? batches_->next() : nullptr;
    if (!batch || batch->x[0].shape()[0] < batch_) {
      batches_.emplace(stream_batches(data_, batch_, true, 1));
      batch = batches_->next();
    }
    return *batch;
  }

  // As users call it: with looking up plans, and reading the results back.
  void predict(DeviceTiming& timing) {
    const auto rows = [&](std::int64_t count) {
      TensorList part;
      for (const Tensor& x : data_.x()) part.push_back(x.rows(0, std::min(count, data_.size())));
      const Clock::time_point start = Clock::now();
      predict_model(model_, Dataset(part, {}), {.batch_size = batch_});
      return seconds_since(start);
    };
    for (int i = 0; i < 3; ++i) rows(batch_);
    const double one = std::max(1e-7, rows(batch_));
    const auto batches =
        std::clamp<std::int64_t>(static_cast<std::int64_t>(options_.seconds / 6 / one), 1, full_steps_);
    const double taken = median({rows(batches * batch_), rows(batches * batch_), rows(batches * batch_)});
    timing.predicted_per_second = static_cast<double>(batches * batch_) / taken;
  }

  // Every device begins with the same values.
  void remember(const StepPlan& step) {
    if (!saved_.empty()) return restore();
    for (const VariablePtr& variable : step.instance->plan().variables)
      saved_.emplace_back(variable, variable->value());
  }
  void restore() {
    for (const auto& [variable, value] : saved_) variable->set_value(value);
  }

  Model& model_;
  Trainer& trainer_;
  const Dataset& data_;
  const BenchmarkOptions& options_;
  std::int64_t batch_ = 0, full_steps_ = 0;
  bool streams_ = false;
  std::optional<Prefetch> batches_;
  std::vector<std::pair<VariablePtr, Tensor>> saved_;
};

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, value >= 100 ? "%.0f" : value >= 1 ? "%.2f" : "%.4f", value);
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

}  // namespace

DeviceTiming DeviceTiming::of_current_device() {
  DeviceTiming timing;
  timing.device = current_device_name();
  timing.description = device_details().description;
  timing.precision = precision_name();
  return timing;
}

DeviceBenchmark Model::benchmark_devices(const TensorList& x, const TensorList& y, const BenchmarkOptions& options) {
  Trainer& trainer = model_impl().trainer();
  const Trainer::Busy busy(trainer, true);
  trainer.required("benchmark_devices");
  if (options.batch_size <= 0) {
    throw InvalidArgument("benchmark_devices: batch_size must be positive, got " + std::to_string(options.batch_size));
  }
  const Dataset data(x, y);
  trainer.prepare_model("benchmark_devices", data.x(), false);
  trainer.check_labels("benchmark_devices", data.y());
  trainer.check_indices("benchmark_devices", data.x());

  DeviceBenchmark result;
  Measurement measurement(*this, data, options);
  result.batch_size = std::min(options.batch_size, data.size());
  for (const std::string& name : options.devices.empty() ? visible_devices() : options.devices) {
    result.devices.push_back(measurement.run(name));
  }
  if (options.devices.empty() && visible_devices("GPU").empty()) {
    DeviceTiming gpu;
    gpu.device = "cuda:0";
    gpu.skipped = gpu_unavailable_reason();
    if (gpu.skipped.empty()) gpu.skipped = "hidden by set_visible_devices";
    result.devices.push_back(std::move(gpu));
  }
  const auto cpu = std::find_if(result.devices.begin(), result.devices.end(),
                                [](const DeviceTiming& timing) { return timing.device == "cpu:0"; });
  const double cpu_speed = cpu == result.devices.end() ? 0 : cpu->samples_per_second;
  double best = 0;
  for (DeviceTiming& timing : result.devices) {
    if (cpu_speed > 0) timing.speedup = timing.samples_per_second / cpu_speed;
    if (timing.samples_per_second > best) {
      best = timing.samples_per_second;
      result.fastest = timing.device;
    }
  }
  return result;
}

std::string DeviceBenchmark::to_string() const {
  std::string text = "device   float32  epoch s   samples/s  first step s  predicted/s  memory      speedup\n";
  const DeviceTiming *best = nullptr, *next = nullptr;
  bool computed = false;
  for (const DeviceTiming& timing : devices) {
    if (!timing.skipped.empty()) {
      text += (timing.device == "cpu:0" ? "CPU skipped: " : "GPU skipped: ") + timing.skipped + "\n";
      continue;
    }
    char line[160];
    std::snprintf(line, sizeof line, "%-8s %-8s %-9s %-10s %-13s %-12s %-11s %s\n", timing.device.c_str(),
                  timing.precision.c_str(), ((timing.epoch_timed ? "" : "~") + number(timing.epoch_seconds)).c_str(),
                  number(timing.samples_per_second).c_str(), number(timing.first_step_seconds).c_str(),
                  number(timing.predicted_per_second).c_str(), format_bytes(timing.memory_bytes).c_str(),
                  timing.speedup > 0 ? (number(timing.speedup) + "x").c_str() : "-");
    text += line;
    computed = computed || !timing.epoch_timed;
    if (!best || timing.samples_per_second > best->samples_per_second) {
      next = std::exchange(best, &timing);
    } else if (!next || timing.samples_per_second > next->samples_per_second) {
      next = &timing;
    }
  }
  if (computed) text += "~: a long epoch is not run but computed from the time of a step.\n";
  text += "For this model and batch size " + std::to_string(batch_size) + ", ";
  if (!best) return text + "nothing could be measured.\n";
  if (!next) return text + "only " + best->device + " could be measured.\n";
  return text + best->device + " is the fastest: " + number(best->samples_per_second / next->samples_per_second) +
         " times the speed of " + next->device + ".\n";
}

}  // namespace keratin
