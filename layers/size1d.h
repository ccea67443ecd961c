// Border1D: numbers for the two ends of a sequence, written as in Keras: 1, {1, 2}.
#pragma once

#include <cstdint>

namespace keratin {

struct Border1D {
  std::int64_t before = 0, after = 0;

  constexpr Border1D(std::int64_t both)  // NOLINT(google-explicit-constructor): `ZeroPadding1D(1)`
      : before(both), after(both) {}
  constexpr Border1D(std::int64_t b, std::int64_t a) : before(b), after(a) {}

  constexpr bool operator==(const Border1D&) const = default;
};

}  // namespace keratin
