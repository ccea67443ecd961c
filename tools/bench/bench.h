// keratin bench: trains and predicts a set of models on each device and compares their speed.
#pragma once

#include <string>
#include <vector>

#include "keratin/keratin.h"

namespace keratin::tools {

struct BenchOptions {
  std::vector<std::string> models = {};   // ids, or "matmul"; empty: all
  std::vector<std::string> devices = {};  // empty: all that work
  std::vector<std::int64_t> batch_sizes = {32, 128, 512};
  double seconds = 1;  // for each measurement
  bool json = false, csv = false;
  std::string chart;  // an SVG file
};

// One model and batch size on one device.
struct BenchRow {
  std::string model, description;
  std::int64_t batch_size = 0;
  DeviceTiming timing;
};

struct BenchReport {
  std::vector<BenchRow> rows;
  std::string gpu_skipped;  // why no GPU was measured; "" when one was

  std::string to_text() const;
  std::string to_json() const;
  std::string to_csv() const;
  // Samples trained per second. Throws FileError when the file cannot be written.
  void draw(const std::string& path) const;
};

BenchReport measure(const BenchOptions& options);

// Measures and prints; 0, or throws.
int run_bench(const BenchOptions& options);

}  // namespace keratin::tools
