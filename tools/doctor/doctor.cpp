#include "keratin/tools/doctor/doctor.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "keratin/backends/cuda/probe/diagnosis.h"
#include "keratin/core/runtime/loader.h"
#include "keratin/tools/doctor/module_check.h"

namespace keratin::tools {
namespace {

using Json = nlohmann::ordered_json;
using probe::Check;
using probe::Diagnosis;
using probe::Facts;

const char* name_of(Check::Result result) {
  switch (result) {
    case Check::Result::good: return "ok";
    case Check::Result::bad: return "failed";
    case Check::Result::note: return "note";
  }
  return "";
}

Json devices_json(const Facts& facts) {
  Json devices = Json::array();
  for (int i = 0; i < std::min(facts.driver.count, probe::DriverReport::kMaxGpus); ++i) {
    const probe::DriverGpu& gpu = facts.driver.gpus[i];
    Json device = {
        {"name", "cuda:" + std::to_string(i)},
        {"description", gpu.name},
        {"uuid", gpu.uuid},
        {"pci", gpu.bus},
        {"compute_capability", std::to_string(gpu.capability / 10) + "." + std::to_string(gpu.capability % 10)},
        {"multiprocessors", gpu.multiprocessors},
        {"memory_total", gpu.total_bytes}};
    if (gpu.context_result == 0) device["memory_free"] = gpu.free_bytes;
    devices.push_back(std::move(device));
  }
  return devices;
}

Json to_json(const Facts& facts, const Diagnosis& diagnosis) {
  Json json;
  json["cause"] = diagnosis.cause();
  json["text"] = diagnosis.findings.empty() ? probe::find_cause("none")->sentence : diagnosis.findings.front().text();
  json["fix"] = diagnosis.fix();
  json["usable"] = diagnosis.usable;
  json["findings"] = Json::array();
  for (const probe::Finding& finding : diagnosis.findings) {
    json["findings"].push_back(
        {{"cause", finding.cause}, {"text", finding.text()}, {"fix", finding.fix}, {"blocks", finding.blocks}});
  }
  json["checks"] = Json::array();
  for (const Check& check : diagnosis.checks) {
    json["checks"].push_back({{"name", check.name}, {"result", name_of(check.result)}, {"text", check.text}});
  }
  json["devices"] = devices_json(facts);
  if (!facts.judged.path.empty()) {
    json["module"] = {{"path", facts.judged.path}, {"cuda", facts.judged.cuda_major}};
  }
  json["versions"] = {{"keratin", KERATIN_VERSION}};
  if (facts.driver.version > 0) json["versions"]["driver_cuda"] = probe::cuda_version_text(facts.driver.version);
  const std::string driver = *facts.nvml.driver ? facts.nvml.driver : facts.hardware.kernel_driver;
  if (!driver.empty()) json["versions"]["driver"] = driver;
  if (facts.cublas.version > 0) json["versions"]["cublasLt"] = probe::cublas_version_text(facts.cublas.version);
  if (facts.cudnn.version > 0) json["versions"]["cudnn"] = probe::cudnn_version_text(facts.cudnn.version);
  return json;
}

void print_text(const Diagnosis& diagnosis) {
  std::printf("keratin doctor, Keratin %s\n\nLooked at:\n", KERATIN_VERSION);
  for (const Check& check : diagnosis.checks) {
    std::printf("  %-6s  %-17s %s\n", name_of(check.result), check.name.c_str(), check.text.c_str());
  }
  if (diagnosis.findings.empty()) {
    std::printf("\nThe GPU works (cause: none).\n");
    return;
  }
  for (const probe::Finding& finding : diagnosis.findings) {
    std::printf("\n%s\n  cause: %s%s\n  fix:   %s\n", finding.text().c_str(), finding.cause.c_str(),
                finding.blocks || !diagnosis.gpu_present ? "" : " (the GPU can be used all the same)",
                finding.fix.c_str());
  }
}

}  // namespace

int run_doctor(const DoctorOptions& options) {
  if (options.page) {
    std::fputs(probe::causes_page().c_str(), stdout);
    return 0;
  }
  const probe::System system = probe::System::host();
  const Facts facts = probe::gather(
      system, {.seconds = options.seconds, .modules = backend_module_files("cuda"), .ask_module = check_module});
  const Diagnosis diagnosis = probe::diagnose(facts);
  if (options.json) {
    // Texts come from files and libraries; what is not UTF-8 is replaced.
    std::printf("%s\n", to_json(facts, diagnosis).dump(2, ' ', false, Json::error_handler_t::replace).c_str());
  } else {
    print_text(diagnosis);
  }
  return diagnosis.exit_status();
}

}  // namespace keratin::tools
