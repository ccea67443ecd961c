#include "keratin/backends/cuda/device/update.h"

#include <cmath>

#include "keratin/backends/cuda/device/vector.h"

namespace keratin::cuda {
namespace {

// The numbers of a step in the variable's type, converted as on the CPU.
template <class T>
struct Factors {
  T rate, alpha, a, b, rest_a, rest_b, epsilon, decay;
};

template <class T>
KERATIN_HOST_DEVICE Factors<T> factors_of(const UpdateStep& step, double decay) {
  const double rate = *step.learning_rate;
  return {static_cast<T>(rate),         step.alpha ? static_cast<T>(static_cast<double>(*step.alpha)) : T{0},
          static_cast<T>(step.a),       static_cast<T>(step.b),
          static_cast<T>(1 - step.a),   static_cast<T>(1 - step.b),
          static_cast<T>(step.epsilon), static_cast<T>(decay * rate)};
}

template <class T>
KERATIN_HOST_DEVICE void update_one(const UpdateStep& step, const Factors<T>& f, T g, T& w, T* slot0, T* slot1) {
  if (f.decay != T{0}) w -= w * f.decay;
  switch (step.kind) {
    case Update::sgd: {
      if (!slot0) {
        w -= f.rate * g;
        return;
      }
      const T velocity = f.a * *slot0 - f.rate * g;
      *slot0 = velocity;
      w += step.flag ? f.a * velocity - f.rate * g : velocity;
      return;
    }
    case Update::adam: {
      const T first = *slot0 + (g - *slot0) * f.rest_a;
      const T second = *slot1 + (g * g - *slot1) * f.rest_b;
      *slot0 = first;
      *slot1 = second;
      w -= first * f.alpha / (std::sqrt(second) + f.epsilon);
      return;
    }
    case Update::rmsprop: {
      const T second = f.a * *slot0 + f.rest_a * (g * g);
      *slot0 = second;
      T change = f.rate * g / std::sqrt(second + f.epsilon);
      if (slot1) {
        change = f.b * *slot1 + change;
        *slot1 = change;
      }
      w -= change;
      return;
    }
  }
}

struct RunUpdate {
  UpdateStep step;
  UpdateBatch batch;

  template <class T, class Team>
  KERATIN_HOST_DEVICE void run(const Team& team, const UpdatedVariable& v, i64 first) const {
    const Factors<T> factors = factors_of<T>(step, v.decay);
    const T* g = static_cast<const T*>(v.gradient);
    T *w = static_cast<T*>(v.variable), *slot0 = static_cast<T*>(v.slot[0]), *slot1 = static_cast<T*>(v.slot[1]);
    const i64 end = first + UpdateBatch::kPiece < v.size ? first + UpdateBatch::kPiece : v.size;
    for (i64 i = first + team.rank() * kPack; i < end; i += team.size() * kPack) {
      if (i + kPack <= end) {
        const Pack<T> gradients = load_pack(g + i);
        Pack<T> weights = load_pack(w + i), m{}, n{};
        if (slot0) m = load_pack(slot0 + i);
        if (slot1) n = load_pack(slot1 + i);
        for (i64 k = 0; k < kPack; ++k) {
          update_one(step, factors, gradients.at[k], weights.at[k], slot0 ? &m.at[k] : nullptr,
                     slot1 ? &n.at[k] : nullptr);
        }
        store_pack(w + i, weights);
        if (slot0) store_pack(slot0 + i, m);
        if (slot1) store_pack(slot1 + i, n);
      } else {
        for (i64 k = i; k < end; ++k) {
          update_one(step, factors, g[k], w[k], slot0 ? slot0 + k : nullptr, slot1 ? slot1 + k : nullptr);
        }
      }
    }
  }
  template <class Team>
  KERATIN_HOST_DEVICE void operator()(const Team& team, i64 piece) const {
    int variable = 0;
    while (piece >= batch.first_piece[variable + 1]) ++variable;
    const UpdatedVariable& v = batch.at[variable];
    const i64 first = (piece - batch.first_piece[variable]) * UpdateBatch::kPiece;
    v.wide ? run<double>(team, v, first) : run<float>(team, v, first);
  }
};
static_assert(sizeof(RunUpdate) + sizeof(i64) <= 4096);  // with their number, the parameters of a kernel

}  // namespace

void update(Stream stream, const UpdateStep& step, const UpdateBatch& batch) {
  for_each_team(stream, batch.pieces(), kWarpWork + 1, RunUpdate{step, batch});
}

}  // namespace keratin::cuda
