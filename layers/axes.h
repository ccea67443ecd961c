// Axes: one axis or several, counted from the end when negative: -1, {1, 2}.
#pragma once

#include <initializer_list>
#include <vector>

#include "keratin/core/model/config.h"

namespace keratin {

class Axes {
 public:
  Axes(int axis) : list_{axis} {}  // NOLINT(google-explicit-constructor): `.axis = 1`
  Axes(std::initializer_list<int> axes) : list_(axes), one_(false) {}
  explicit Axes(std::vector<int> axes) : list_(std::move(axes)), one_(false) {}

  const std::vector<int>& list() const { return list_; }
  // A number or a list, as it was given.
  ConfigValue config() const;

 private:
  std::vector<int> list_;
  bool one_ = true;
};

}  // namespace keratin
