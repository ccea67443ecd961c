// The keratin command: doctor, devices, bench.
#include <CLI/CLI.hpp>
#include <cstdio>

#include "keratin/backends/cuda/probe/versions.h"
#include "keratin/keratin.h"
#include "keratin/tools/bench/bench.h"
#include "keratin/tools/doctor/doctor.h"

namespace {

using namespace keratin;

std::string version_text() { return "keratin " KERATIN_VERSION "\n\n" + probe::version_markdown(KERATIN_VERSION); }

// Lists the devices that can be used, and why there is no GPU.
int list_devices() {
  for (const DeviceInfo& device : list_physical_devices()) {
    const MemoryInfo memory = memory_info(device.name);
    std::printf("%s  %s\n", device.name.c_str(), device.description.c_str());
    if (device.compute_capability > 0) {
      std::printf("  compute capability %d.%d\n", device.compute_capability / 10, device.compute_capability % 10);
    }
    std::printf("  memory %s, %s free\n", format_bytes(memory.total).c_str(), format_bytes(memory.free).c_str());
    if (memory.overhead > 0) {
      std::printf("  the driver's context and the libraries take %s of it\n", format_bytes(memory.overhead).c_str());
    }
    for (const auto& [library, version] : device.versions) std::printf("  %s %s\n", library.c_str(), version.c_str());
  }
  std::printf("auto takes %s: %s\n", current_device_name().c_str(), device_reason().c_str());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Keratin: Keras for C++ on NVIDIA GPUs and plain CPUs");
  app.set_version_flag("--version", version_text());
  app.require_subcommand(1);

  tools::DoctorOptions doctor;
  CLI::App* doctor_command = app.add_subcommand("doctor", "say whether the GPU can be used, or why not and what to do");
  doctor_command->add_flag("--json", doctor.json, "print JSON: cause, fix, checks, devices");
  doctor_command->add_flag("--page", doctor.page, "print the documentation's page of all causes");
  doctor_command->add_option("--timeout", doctor.seconds, "seconds for each library that is asked")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  CLI::App* devices_command = app.add_subcommand("devices", "list the devices that can be used");

  tools::BenchOptions bench;
  CLI::App* bench_command = app.add_subcommand("bench", "compare how fast this machine's devices train and predict");
  bench_command->add_option("--models", bench.models, "dense, tutorial, mnist_mlp, mnist_cnn, resnet, matmul")
      ->delimiter(',');
  bench_command->add_option("--devices", bench.devices, "for instance cpu,cuda:0; all that work unless given")
      ->delimiter(',');
  bench_command->add_option("--batch-sizes", bench.batch_sizes)->delimiter(',')->capture_default_str();
  bench_command->add_option("--seconds", bench.seconds, "of training for each measurement")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  CLI::Option* json = bench_command->add_flag("--json", bench.json, "print JSON");
  bench_command->add_flag("--csv", bench.csv, "print comma-separated values")->excludes(json);
  bench_command->add_option("--chart", bench.chart, "draw the speeds in this SVG file");
  CLI11_PARSE(app, argc, argv);
  try {
    if (doctor_command->parsed()) return tools::run_doctor(doctor);
    if (bench_command->parsed()) return tools::run_bench(bench);
    if (devices_command->parsed()) return list_devices();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "keratin: %s\n", error.what());
    return 2;
  }
  return 2;
}
