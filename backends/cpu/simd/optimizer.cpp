// Flat parameter updates, with the formulas of Keras 3.
#include "keratin/backends/cpu/simd/families.h"
#include "keratin/backends/cpu/simd/math.h"

namespace keratin::cpu::KERATIN_ISA {
namespace {

template <class T>
KERATIN_INLINE void decay_weights(T factor, T* w, i64 n) {
  if (factor == T{0}) return;
  for (i64 i = 0; i < n; ++i) w[i] -= w[i] * factor;
}

template <class T>
void sgd(const SgdStep& step, const T* __restrict g, T* __restrict w, T* __restrict m, i64 n) {
  const T rate = static_cast<T>(step.learning_rate), momentum = static_cast<T>(step.momentum);
  decay_weights(static_cast<T>(step.decay * step.learning_rate), w, n);
  if (!m) {
    for (i64 i = 0; i < n; ++i) w[i] -= rate * g[i];
  } else if (step.nesterov) {
    for (i64 i = 0; i < n; ++i) {
      const T velocity = momentum * m[i] - rate * g[i];
      m[i] = velocity;
      w[i] += momentum * velocity - rate * g[i];
    }
  } else {
    for (i64 i = 0; i < n; ++i) {
      const T velocity = momentum * m[i] - rate * g[i];
      m[i] = velocity;
      w[i] += velocity;
    }
  }
}

template <class T, bool decayed, bool amsgrad>
void adam_run(const AdamStep& step, const T* __restrict g, T* __restrict w, T* __restrict m, T* __restrict v,
              T* __restrict v_hat, i64 n) {
  const T alpha = static_cast<T>(step.alpha), epsilon = static_cast<T>(step.epsilon);
  const T rest_1 = static_cast<T>(1 - step.beta_1), rest_2 = static_cast<T>(1 - step.beta_2);
  const T decay = static_cast<T>(step.decay);
  for (i64 i = 0; i < n; ++i) {
    const T first = m[i] + (g[i] - m[i]) * rest_1;
    T second = v[i] + (g[i] * g[i] - v[i]) * rest_2;
    m[i] = first;
    v[i] = second;
    if constexpr (amsgrad) {
      second = v_hat[i] > second ? v_hat[i] : second;
      v_hat[i] = second;
    }
    T weight = w[i];
    if constexpr (decayed) weight -= weight * decay;
    w[i] = weight - first * alpha / (math::sqrt(second) + epsilon);
  }
}

template <class T>
void adam(const AdamStep& step, const T* g, T* w, T* m, T* v, T* v_hat, i64 n) {
  if (step.decay != 0) {
    v_hat ? adam_run<T, true, true>(step, g, w, m, v, v_hat, n) : adam_run<T, true, false>(step, g, w, m, v, v_hat, n);
  } else {
    v_hat ? adam_run<T, false, true>(step, g, w, m, v, v_hat, n)
          : adam_run<T, false, false>(step, g, w, m, v, v_hat, n);
  }
}

template <class T, bool centered, bool with_momentum>
void rmsprop_run(const RmspropStep& step, const T* __restrict g, T* __restrict w, T* __restrict v,
                 T* __restrict momentum, T* __restrict average, i64 n) {
  const T rate = static_cast<T>(step.learning_rate), epsilon = static_cast<T>(step.epsilon);
  const T rho = static_cast<T>(step.rho), rest = static_cast<T>(1 - step.rho);
  const T beta = static_cast<T>(step.momentum);
  for (i64 i = 0; i < n; ++i) {
    const T second = rho * v[i] + rest * (g[i] * g[i]);
    v[i] = second;
    T denominator = second + epsilon;
    if constexpr (centered) {
      const T mean = rho * average[i] + rest * g[i];
      average[i] = mean;
      denominator = second - mean * mean + epsilon;
    }
    T step_size = rate * g[i] / math::sqrt(denominator);
    if constexpr (with_momentum) {
      step_size = beta * momentum[i] + step_size;
      momentum[i] = step_size;
    }
    w[i] -= step_size;
  }
}

template <class T>
void rmsprop(const RmspropStep& step, const T* g, T* w, T* v, T* momentum, T* average, i64 n) {
  decay_weights(static_cast<T>(step.decay * step.learning_rate), w, n);
  if (average) {
    momentum ? rmsprop_run<T, true, true>(step, g, w, v, momentum, average, n)
             : rmsprop_run<T, true, false>(step, g, w, v, momentum, average, n);
  } else {
    momentum ? rmsprop_run<T, false, true>(step, g, w, v, momentum, average, n)
             : rmsprop_run<T, false, false>(step, g, w, v, momentum, average, n);
  }
}

template <class T>
void fill(FloatKernels<T>& kernels) {
  kernels.sgd = sgd<T>;
  kernels.adam = adam<T>;
  kernels.rmsprop = rmsprop<T>;
}

}  // namespace

void add_optimizer(FloatKernels<float>& kernels) { fill(kernels); }
void add_optimizer(FloatKernels<double>& kernels) { fill(kernels); }

}  // namespace keratin::cpu::KERATIN_ISA
