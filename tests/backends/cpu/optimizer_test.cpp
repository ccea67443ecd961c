#include "tests/backends/cpu/kernels.h"

namespace keratin::cpu {
namespace {

using testing::Array;
using testing::d;
using testing::expect_near;
using testing::expect_same_bits;
using testing::floats;
using testing::for_floats;
using testing::kEps;

KERATIN_KERNEL_TESTS(OptimizerKernels);

// Gradient and state of one element, computed in double.
struct Element {
  double g, w, m, v, extra;
};

// Runs `kernel` on 0, 1 and 67 elements, whole and split, and compares it with `reference` element by element.
template <class T, class Kernel, class Reference>
void check(Kernel&& kernel, Reference&& reference) {
  for (const i64 n : {0, 1, 67}) {
    const Array<T> g = Array<T>::random(n, 1);
    Array<T> w = Array<T>::random(n, 2), m = Array<T>::random(n, 3), v = Array<T>::random(n, 4, 2, 3),
             extra = Array<T>::random(n, 5, 0.1, 0.9);
    Array<T> w2 = w, m2 = m, v2 = v, extra2 = extra;
    std::vector<double> want_w, want_m, want_v, want_extra;
    for (i64 i = 0; i < n; ++i) {
      Element e{d(g[i]), d(w[i]), d(m[i]), d(v[i]), d(extra[i])};
      reference(e);
      want_w.push_back(e.w), want_m.push_back(e.m), want_v.push_back(e.v), want_extra.push_back(e.extra);
    }
    kernel(g.data(), w.data(), m.data(), v.data(), extra.data(), n);
    expect_near(w, want_w, 16 * kEps<T>, "w");
    expect_near(m, want_m, 16 * kEps<T>, "m");
    expect_near(v, want_v, 16 * kEps<T>, "v");
    expect_near(extra, want_extra, 16 * kEps<T>, "extra");
    const i64 middle = n / 3;
    for (const auto& [start, count] : {std::pair{i64{0}, middle}, std::pair{middle, n - middle}}) {
      kernel(g.data() + start, w2.data() + start, m2.data() + start, v2.data() + start, extra2.data() + start, count);
    }
    expect_same_bits(w, w2, "split w");
    expect_same_bits(m, m2, "split m");
  }
}

TEST_P(OptimizerKernels, Sgd) {
  for_floats([&]<class T>(T) {
    const auto sgd = floats<T>(simd).sgd;
    for (const double decay : {0.0, 0.1}) {
      const SgdStep plain{.learning_rate = 0.1, .decay = decay};
      check<T>([&](const T* g, T* w, T*, T*, T*, i64 n) { sgd(plain, g, w, nullptr, n); },
               [&](Element& e) { e.w = e.w - e.w * decay * 0.1 - 0.1 * e.g; });
      for (const bool nesterov : {false, true}) {
        const SgdStep step{.learning_rate = 0.1, .momentum = 0.9, .nesterov = nesterov, .decay = decay};
        check<T>([&](const T* g, T* w, T* m, T*, T*, i64 n) { sgd(step, g, w, m, n); },
                 [&](Element& e) {
                   e.w -= e.w * decay * 0.1;
                   e.m = 0.9 * e.m - 0.1 * e.g;
                   e.w += nesterov ? 0.9 * e.m - 0.1 * e.g : e.m;
                 });
      }
    }
  });
}

TEST_P(OptimizerKernels, Adam) {
  for_floats([&]<class T>(T) {
    for (const double decay : {0.0, 0.01}) {
      for (const bool amsgrad : {false, true}) {
        const AdamStep step{.alpha = 0.02, .decay = decay};
        check<T>([&](const T* g, T* w, T* m, T* v, T* extra,
                     i64 n) { floats<T>(simd).adam(step, g, w, m, v, amsgrad ? extra : nullptr, n); },
                 [&](Element& e) {
                   e.w -= e.w * decay;
                   e.m += (e.g - e.m) * (1 - 0.9);
                   e.v += (e.g * e.g - e.v) * (1 - 0.999);
                   if (amsgrad) e.extra = std::max(e.extra, e.v);
                   e.w -= e.m * 0.02 / (std::sqrt(amsgrad ? e.extra : e.v) + 1e-7);
                 });
      }
    }
  });
}

TEST_P(OptimizerKernels, Rmsprop) {
  for_floats([&]<class T>(T) {
    for (const bool centered : {false, true}) {
      for (const bool momentum : {false, true}) {
        const RmspropStep step{.learning_rate = 0.05, .rho = 0.8, .momentum = momentum ? 0.9 : 0.0, .decay = 0.1};
        check<T>(
            [&](const T* g, T* w, T* m, T* v, T* extra, i64 n) {
              floats<T>(simd).rmsprop(step, g, w, v, momentum ? m : nullptr, centered ? extra : nullptr, n);
            },
            [&](Element& e) {
              e.w -= e.w * 0.1 * 0.05;
              e.v = 0.8 * e.v + 0.2 * e.g * e.g;
              double denominator = e.v + 1e-7;
              if (centered) {
                e.extra = 0.8 * e.extra + 0.2 * e.g;
                denominator = e.v - e.extra * e.extra + 1e-7;
              }
              double increment = 0.05 * e.g / std::sqrt(denominator);
              if (momentum) increment = e.m = 0.9 * e.m + increment;
              e.w -= increment;
            });
      }
    }
  });
}

}  // namespace
}  // namespace keratin::cpu
