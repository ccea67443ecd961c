// Factor: the range random numbers are drawn from, as Keras's image layers take it: 0.2 or {-0.1, 0.3}.
#pragma once

#include <optional>

#include "keratin/core/model/config.h"

namespace keratin {

// One number stands for a range that the layer makes of it: most often [-f, f].
class Factor {
 public:
  Factor(double factor) : lower_(factor), upper_(factor) {}  // NOLINT(google-explicit-constructor): `RandomZoom(0.2)`
  Factor(double lower, double upper) : lower_(lower), upper_(upper), one_(false) {}

  bool is_one_number() const { return one_; }
  double lower() const { return lower_; }
  double upper() const { return upper_; }
  // A number or a list, as it was given.
  ConfigValue config() const;

 private:
  double lower_, upper_;
  bool one_ = true;
};

}  // namespace keratin
