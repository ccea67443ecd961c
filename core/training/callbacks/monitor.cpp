#include "keratin/core/training/detail/monitor.h"

#include "keratin/core/tensor/errors.h"
#include "keratin/core/tensor/log.h"

namespace keratin::callbacks {

Monitor::Monitor(std::string callback, std::string name, const std::string& mode, double min_delta)
    : callback_(std::move(callback)), name_(std::move(name)), delta_(std::abs(min_delta)) {
  if (mode == "max") {
    maximum_ = true;
  } else if (mode == "auto") {
    for (const char* part : {"acc", "auc", "f1", "fbeta", "precision", "recall", "r2", "iou"}) {
      maximum_ = maximum_ || name_.find(part) != std::string::npos;
    }
  } else if (mode != "min") {
    throw InvalidArgument(callback_ + ": unknown mode '" + mode + "'" + did_you_mean(mode, {"auto", "min", "max"}));
  }
}

std::optional<double> Monitor::value(const Logs& logs) {
  if (logs.contains(name_)) return logs[name_];
  if (!warned_) {
    std::string names;
    for (const auto& [name, number] : logs) names += (names.empty() ? "" : ", ") + name;
    log(LogLevel::warning, callback_ + " monitors '" + name_ + "', which is not in the logs; there are: " + names);
    warned_ = true;
  }
  return {};
}

}  // namespace keratin::callbacks
