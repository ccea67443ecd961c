// Monitor: decides whether a number of the logs has improved.
#pragma once

#include <cmath>
#include <optional>
#include <string>

#include "keratin/core/training/logs.h"

namespace keratin::callbacks {

class Monitor {
 public:
  // Throws InvalidArgument, naming `callback`, for an unknown mode.
  Monitor(std::string callback, std::string name, const std::string& mode, double min_delta);

  // The number in the logs; empty, with one warning, when it is not there.
  std::optional<double> value(const Logs& logs);
  // Whether `now` beats `best` by more than min_delta.
  bool better(double now, double best) const { return maximum_ ? now - delta_ > best : now + delta_ < best; }
  double worst() const { return maximum_ ? -INFINITY : INFINITY; }
  const std::string& name() const { return name_; }

 private:
  std::string callback_, name_;
  bool maximum_ = false, warned_ = false;
  double delta_;
};

}  // namespace keratin::callbacks
