// BenchReport as a table, JSON, CSV and a chart.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "keratin/io/chart.h"
#include "keratin/tools/bench/bench.h"

namespace keratin::tools {
namespace {

// "1.23 s", "12.3 ms", "45.6 us"
std::string duration(double seconds) {
  if (seconds >= 1) return fmt::format("{:.2f} s", seconds);
  if (seconds >= 1e-3) return fmt::format("{:.2f} ms", seconds * 1e3);
  return fmt::format("{:.1f} us", seconds * 1e6);
}

std::string label(const BenchRow& row) {
  return row.batch_size > 1 ? fmt::format("{}, batch {}", row.model, row.batch_size) : row.model;
}

bool same_case(const BenchRow& a, const BenchRow& b) { return a.model == b.model && a.batch_size == b.batch_size; }

// "cuda:0 is 12 times faster than cpu:0", or that the CPU is.
std::string verdict(const std::vector<BenchRow>& rows, const BenchRow& of) {
  const BenchRow *cpu = nullptr, *gpu = nullptr;
  for (const BenchRow& row : rows) {
    if (!same_case(row, of) || row.timing.samples_per_second <= 0) continue;
    const BenchRow*& best = row.timing.device == "cpu:0" ? cpu : gpu;
    if (!best || row.timing.samples_per_second > best->timing.samples_per_second) best = &row;
  }
  if (!cpu || !gpu) return "";
  const double ratio = gpu->timing.samples_per_second / cpu->timing.samples_per_second;
  return ratio >= 1 ? fmt::format("{}: {} is {:.1f} times as fast as cpu:0", label(of), gpu->timing.device, ratio)
                    : fmt::format("{}: cpu:0 is {:.1f} times as fast as {}", label(of), 1 / ratio, gpu->timing.device);
}

// A field of a CSV file: quoted when it must be.
std::string field(const std::string& text) {
  if (text.find_first_of(",\"\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

}  // namespace

std::string BenchReport::to_text() const {
  std::string text = fmt::format("{:<22} {:<8} {:>11} {:>12} {:>12} {:>12} {:>11} {:>9}\n", "model", "device", "epoch",
                                 "samples/s", "predicted/s", "first step", "memory", "speedup");
  std::string verdicts;
  bool computed = false;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const BenchRow& row = rows[i];
    const DeviceTiming& t = row.timing;
    if (!t.skipped.empty()) {
      text += fmt::format("{:<22} {:<8} skipped: {}\n", label(row), t.device, t.skipped);
      continue;
    }
    const std::string predicted = t.predicted_per_second > 0 ? fmt::format("{:.0f}", t.predicted_per_second) : "-";
    const std::string speedup = t.speedup > 0 ? fmt::format("{:.2f}x", t.speedup) : "-";
    text += fmt::format("{:<22} {:<8} {:>11} {:>12.0f} {:>12} {:>12} {:>11} {:>9}\n", label(row), t.device,
                        (t.epoch_timed ? "" : "~") + duration(t.epoch_seconds), t.samples_per_second, predicted,
                        duration(t.first_step_seconds), format_bytes(t.memory_bytes), speedup);
    computed = computed || !t.epoch_timed;
    const bool last = i + 1 == rows.size() || !same_case(rows[i + 1], row);
    if (const std::string line = last ? verdict(rows, row) : ""; !line.empty()) verdicts += line + "\n";
  }
  std::string seen;
  text += "\n";
  if (computed) text += "~: a long epoch is not run but computed from the time of a step\n";
  for (const BenchRow& row : rows) {
    if (row.model == seen) continue;
    seen = row.model;
    text += fmt::format("{}: {}\n", row.model, row.description);
  }
  for (const BenchRow& row : rows) {
    if (!row.timing.description.empty() && text.find(row.timing.device + " is ") == std::string::npos) {
      text += fmt::format("{} is {}; float32 precision: {}\n", row.timing.device, row.timing.description,
                          row.timing.precision);
    }
  }
  if (!gpu_skipped.empty()) text += "GPU skipped: " + gpu_skipped + "\n";
  return text + verdicts;
}

std::string BenchReport::to_json() const {
  nlohmann::ordered_json json;
  json["keratin"] = KERATIN_VERSION;
  json["gpu_skipped"] = gpu_skipped;
  json["results"] = nlohmann::ordered_json::array();
  for (const BenchRow& row : rows) {
    const DeviceTiming& t = row.timing;
    nlohmann::ordered_json result = {{"model", row.model},
                                     {"description", row.description},
                                     {"batch_size", row.batch_size},
                                     {"device", t.device},
                                     {"device_description", t.description}};
    if (t.skipped.empty()) {
      result["precision"] = t.precision;
      result["epoch_seconds"] = t.epoch_seconds;
      result["epoch_timed"] = t.epoch_timed;
      result["step_seconds"] = t.step_seconds;
      result["first_step_seconds"] = t.first_step_seconds;
      result["samples_per_second"] = t.samples_per_second;
      result["predicted_per_second"] = t.predicted_per_second;
      result["memory_bytes"] = t.memory_bytes;
      result["speedup"] = t.speedup;
    } else {
      result["skipped"] = t.skipped;
    }
    json["results"].push_back(std::move(result));
  }
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::string BenchReport::to_csv() const {
  std::string text =
      "model,batch_size,device,precision,epoch_seconds,epoch_timed,step_seconds,first_step_seconds,samples_per_second,"
      "predicted_per_second,memory_bytes,speedup,skipped\n";
  for (const BenchRow& row : rows) {
    const DeviceTiming& t = row.timing;
    text += fmt::format("{},{},{},{},{:.6g},{},{:.6g},{:.6g},{:.6g},{:.6g},{},{:.4g},{}\n", row.model, row.batch_size,
                        t.device, t.precision, t.epoch_seconds, t.epoch_timed, t.step_seconds, t.first_step_seconds,
                        t.samples_per_second, t.predicted_per_second, t.memory_bytes, t.speedup, field(t.skipped));
  }
  // Of no model: the device that was not measured, and why, in the columns for these.
  if (!gpu_skipped.empty()) text += ",,cuda:0,,,,,,,,,," + field("GPU skipped: " + gpu_skipped) + "\n";
  return text;
}

void BenchReport::draw(const std::string& path) const {
  BarsOptions bars{.title = "Training speed of each device", .x_label = "samples trained per second (more is better)"};
  const bool several = std::any_of(rows.begin(), rows.end(), [&](const BenchRow& row) {
    return row.timing.device != rows.front().timing.device && row.timing.skipped.empty();
  });
  // Models differ by orders of magnitude, so devices are compared within each.
  if (several) bars.x_label = "training speed relative to the fastest device (more is better)";
  const auto add_case = [&](const BenchRow& of) {
    double best = 0;
    for (const BenchRow& row : rows) {
      if (same_case(row, of)) best = std::max(best, row.timing.samples_per_second);
    }
    if (best <= 0) return;
    bars.groups.push_back(label(of));
    for (const BenchRow& row : rows) {
      if (!same_case(row, of)) continue;
      auto series = std::find_if(bars.series.begin(), bars.series.end(),
                                 [&](const ChartSeries& s) { return s.name == row.timing.device; });
      if (series == bars.series.end()) series = bars.series.insert(series, {.name = row.timing.device});
      series->values.resize(bars.groups.size() - 1, NAN);
      series->values.push_back(row.timing.skipped.empty() ? row.timing.samples_per_second / (several ? best : 1) : NAN);
    }
  };
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i == 0 || !same_case(rows[i - 1], rows[i])) add_case(rows[i]);
  }
  for (ChartSeries& series : bars.series) series.values.resize(bars.groups.size(), NAN);
  if (!gpu_skipped.empty()) bars.title += " (GPU skipped)";
  write_svg_bars(path, bars);
}

}  // namespace keratin::tools
