// Diagnosis: judges facts. Which causes hold, in the order of the table, with the fix for the system at hand.
#pragma once

#include <string>
#include <vector>

#include "keratin/backends/cuda/probe/facts.h"

namespace keratin::probe {

struct Finding {
  std::string cause;   // an id of the table
  std::string detail;  // what was found: "driver 535.183 offers CUDA 12.2"
  std::string fix;     // for the system at hand
  bool blocks = true;  // false: the GPU works all the same, or another one does
  // The table's sentence with the detail: "The NVIDIA driver is too old: ...".
  std::string text() const;
};

struct Check {
  enum class Result { good, bad, note };
  Result result;
  std::string name;  // "driver library"
  std::string text;  // what was found
};

struct Diagnosis {
  std::vector<Finding> findings;  // what blocks comes first, then in the table's order
  std::vector<Check> checks;
  bool gpu_present = false;
  bool usable = false;  // a GPU works, as far as was looked

  // The first finding's id, or "none".
  std::string cause() const { return findings.empty() ? "none" : findings.front().cause; }
  std::string fix() const { return findings.empty() ? "" : findings.front().fix; }
  // 1 when a GPU is there and cannot be used.
  int exit_status() const { return gpu_present && !usable ? 1 : 0; }
};

Diagnosis diagnose(const Facts& facts);

// Finds the causes alone; `diagnose` adds the checks.
std::vector<Finding> find_causes(const Facts& facts);
std::vector<Check> list_checks(const Facts& facts);

}  // namespace keratin::probe
