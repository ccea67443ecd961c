// Benchmark: how fast one model trains and predicts on each device of this machine.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace keratin {

struct BenchmarkOptions {
  std::int64_t batch_size = 32;
  // Of training to measure on each device, and half of it of predicting. An epoch that takes up to five times as long
  // is timed, too.
  double seconds = 1.0;
  std::vector<std::string> devices = {};  // "cpu", "cuda:1"; empty: every device that is not hidden
};

struct DeviceTiming {
  std::string device;             // "cpu:0"
  std::string description;        // of the hardware
  std::string precision;          // of float32: "highest", "high", "medium"
  std::string skipped;            // why nothing was measured; the numbers are 0 then
  double first_step_seconds = 0;  // compiling the plan, giving it memory, and the first step
  double step_seconds = 0;        // the median of later steps
  double epoch_seconds = 0;       // of fit with all samples
  bool epoch_timed = false;       // false: the epoch would take long and is computed from step_seconds
  double samples_per_second = 0;  // trained
  double predicted_per_second = 0;
  std::int64_t memory_bytes = 0;  // of training with this batch size
  double speedup = 0;             // of training, against cpu:0; 0 when either was not measured

  // Name, description and precision of the current device.
  static DeviceTiming of_current_device();
};

struct DeviceBenchmark {
  std::int64_t batch_size = 0;
  std::vector<DeviceTiming> devices;  // the CPU first
  std::string fastest;                // "cuda:0"
  // A table, and which device is the fastest for this model and batch size.
  std::string to_string() const;
};

}  // namespace keratin
