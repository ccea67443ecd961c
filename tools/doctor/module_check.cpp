#include "keratin/tools/doctor/module_check.h"

#include <fmt/format.h>

#include <cmath>
#include <functional>
#include <utility>

#include "keratin/core/runtime/loader.h"
#include "keratin/keratin.h"

namespace keratin::tools {
namespace {

using probe::ModuleReport;
using probe::set_text;

// Numbers in [-1, 1] that need no generator.
Tensor numbers(const Shape& shape, double step) {
  Tensor tensor(shape);
  double phase = 0.3;
  for (float& value : tensor.values<float>()) value = static_cast<float>(std::sin(phase += step));
  return tensor;
}

struct Computation {
  const char* name;
  std::function<Tensor()> run;
};

const std::vector<Computation>& computations() {
  static const std::vector<Computation> list = {
      {"element-wise kernel",
       [] {
         const Tensor a = numbers({1000}, 0.37), b = numbers({1000}, 0.91);
         return Tensor(ops::relu(Value(a) * Value(b) + Value(a)).tensor());
       }},
      {"matrix product",
       [] {
         return ops::matmul(numbers({96, 160}, 0.37), numbers({160, 80}, 0.91)).tensor();
       }},
      {"convolution",
       [] {
         return ops::conv2d(numbers({4, 14, 14, 8}, 0.37), numbers({3, 3, 8, 16}, 0.91)).tensor();
       }},
  };
  return list;
}

Tensor compute(const Computation& computation, const std::string& device) {
  const DeviceScope scope(device);
  return computation.run();
}

// The largest difference, relative to the largest number.
double difference(const Tensor& got, const Tensor& expected) {
  double largest = 0, scale = 1;
  const auto a = got.values<float>(), b = expected.values<float>();
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double d = std::fabs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    largest = std::isfinite(d) ? std::max(largest, d) : INFINITY;
    scale = std::max(scale, std::fabs(static_cast<double>(b[i])));
  }
  return largest / scale;
}

// Sums of up to 160 products in another order, in float32.
constexpr double kTolerance = 1e-4;

// Appends a line; returns what is wrong, or "".
std::string check_device(const std::string& device, ModuleReport& report, std::string& computed) {
  computed += (computed.empty() ? "" : "\n") + device + ", " + device_details(device).description + ":";
  std::string wrong;
  for (const Computation& computation : computations()) {
    set_text(report.stage, computation.name);
    const double d = difference(compute(computation, device), compute(computation, "cpu"));
    computed += fmt::format(" {} differs by {:.1e} from the CPU's;", computation.name, d);
    if (!(d <= kTolerance) && wrong.empty()) {
      wrong = fmt::format("{}: the {} differs by {:.1e} from the CPU's", device, computation.name, d);
    }
  }
  computed.back() = '.';
  set_text(report.computed, computed);
  return wrong;
}

void blame(ModuleReport& report, const std::string& cause, const std::string& reason) {
  if (*report.cause) return;  // the first one counts
  set_text(report.cause, probe::find_cause(cause) ? cause : "compute_failed");
  set_text(report.reason, reason);
}

// All of them, though one fails: "auto" passes over those that cannot be opened, and then another one is in use.
void check_devices(ModuleReport& report) {
  set_float32_precision(Precision::highest);
  std::string computed;
  bool taken = false;  // by "auto"
  for (int i = 0; i < report.devices; ++i) {
    const std::string device = "cuda:" + std::to_string(i);
    std::string wrong, cause = "compute_failed";
    bool opened = false;
    set_text(report.stage, "opening " + device);
    try {
      { const DeviceScope scope(device); }
      opened = true;
      wrong = check_device(device, report, computed);
    } catch (const DeviceError& error) {
      cause = error.cause();
      wrong = error.what();
    } catch (const std::exception& error) {
      wrong = device + ": " + error.what();
    }
    if (!wrong.empty()) blame(report, cause, wrong);
    if (opened && !std::exchange(taken, true)) report.usable = wrong.empty();
  }
}

}  // namespace

void check_module(ModuleReport& report) {
  set_text(report.stage, "opening the module");
  const LoadResult loaded = load_backend_module("cuda");
  set_text(report.path, loaded.path);
  set_text(report.cause, loaded.cause);
  set_text(report.reason, loaded.reason);
  if (!loaded.module) {
    if (loaded.cause.empty()) set_text(report.cause, "no_usable_device");
    return;
  }
  try {
    report.devices = loaded.module->device_count();
    check_devices(report);
  } catch (const std::exception& error) {
    blame(report, "compute_failed", error.what());
  }
}

}  // namespace keratin::tools
