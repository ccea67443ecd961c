#include "keratin/backends/cuda/device/softmax.h"

#include "keratin/backends/cuda/device/math.h"
#include "keratin/backends/cuda/device/typed.h"

namespace keratin::cuda {
namespace {

// Keras's backend.epsilon(): probabilities stay this far from 0 and 1.
constexpr double kEpsilon = 1e-7;

template <class T>
KERATIN_HOST_DEVICE T nan() {
  constexpr T value = std::numeric_limits<T>::quiet_NaN();
  return value;
}

template <class T, class Team>
KERATIN_HOST_DEVICE T row_max(const Team& team, const T* x, i64 columns) {
  constexpr T low = -std::numeric_limits<T>::infinity();
  T top = low;
  for (i64 i = team.rank(); i < columns; i += team.size()) top = math::Maximum()(top, x[i]);
  return team.reduce(top, math::Maximum());
}
// The sum of f(i) over the columns.
template <class T, class Team, class F>
KERATIN_HOST_DEVICE T row_sum(const Team& team, i64 columns, F f) {
  T sum{0};
  for (i64 i = team.rank(); i < columns; i += team.size()) sum += f(i);
  return team.reduce(sum, math::Add());
}

template <class T, bool log>
struct Softmax {
  const T* x;
  T* y;
  i64 columns;
  template <class Team>
  KERATIN_HOST_DEVICE void operator()(const Team& team, i64 row) const {
    const T* in = x + row * columns;
    T* out = y + row * columns;
    const T top = row_max(team, in, columns);
    const T sum = row_sum<T>(team, columns, [&](i64 i) { return std::exp(in[i] - top); });
    if constexpr (log) {
      const T shift = std::log(sum);
      for (i64 i = team.rank(); i < columns; i += team.size()) out[i] = in[i] - top - shift;
    } else {
      const T scale = T{1} / sum;
      for (i64 i = team.rank(); i < columns; i += team.size()) out[i] = std::exp(in[i] - top) * scale;
    }
  }
};

// softmax: dx = y (dy - sum(dy y)); its logarithm: dx = dy - exp(y) sum(dy)
template <class T, bool log>
struct SoftmaxGradient {
  const T *dy, *y;
  T* dx;
  i64 columns;
  template <class Team>
  KERATIN_HOST_DEVICE void operator()(const Team& team, i64 row) const {
    const T *g = dy + row * columns, *result = y + row * columns;
    T* out = dx + row * columns;
    const T sum = row_sum<T>(team, columns, [&](i64 i) { return log ? g[i] : g[i] * result[i]; });
    for (i64 i = team.rank(); i < columns; i += team.size()) {
      out[i] = log ? g[i] - std::exp(result[i]) * sum : result[i] * (g[i] - sum);
    }
  }
};

template <class T, bool logits>
struct SparseCrossentropy {
  const T* x;
  const std::int32_t* labels;
  T* loss;
  i64 columns;
  template <class Team>
  KERATIN_HOST_DEVICE void operator()(const Team& team, i64 row) const {
    const T* in = x + row * columns;
    const std::int32_t label = labels[row];
    const bool valid = label >= 0 && label < columns;
    T result = nan<T>();
    if constexpr (logits) {
      const T top = row_max(team, in, columns);
      const T sum = row_sum<T>(team, columns, [&](i64 i) { return std::exp(in[i] - top); });
      if (valid) result = std::log(sum) - (in[label] - top);
    } else {
      constexpr T low = static_cast<T>(kEpsilon), high = static_cast<T>(1 - kEpsilon);
      const T sum = row_sum<T>(team, columns, [&](i64 i) { return in[i]; });
      if (valid) {
        const T p = in[label] / sum;
        result = -std::log(p < low ? low : p > high ? high : p);
      }
    }
    if (team.rank() == 0) loss[row] = result;
  }
};

// Of logits: dx = dy (softmax(x) - [j = label]). Of probabilities: dy (1/s - [j = label]/x_label) where x_label/s is
// not clipped, else 0.
template <class T, bool logits>
struct SparseCrossentropyGradient {
  const T *dy, *x;
  const std::int32_t* labels;
  T* dx;
  i64 columns;
  template <class Team>
  KERATIN_HOST_DEVICE void operator()(const Team& team, i64 row) const {
    const T* in = x + row * columns;
    T* out = dx + row * columns;
    const std::int32_t label = labels[row];
    const bool valid = label >= 0 && label < columns;
    const T g = valid ? dy[row] : nan<T>();
    if constexpr (logits) {
      const T top = row_max(team, in, columns);
      const T scale = T{1} / row_sum<T>(team, columns, [&](i64 i) { return std::exp(in[i] - top); });
      for (i64 i = team.rank(); i < columns; i += team.size()) {
        out[i] = (std::exp(in[i] - top) * scale - (i == label ? T{1} : T{0})) * g;
      }
    } else {
      constexpr T low = static_cast<T>(kEpsilon), high = static_cast<T>(1 - kEpsilon);
      const T sum = row_sum<T>(team, columns, [&](i64 i) { return in[i]; });
      const T p = valid ? in[label] / sum : nan<T>();
      const bool clipped = p <= low || p >= high;
      const T share = clipped ? T{0} : valid ? g / sum : nan<T>();
      for (i64 i = team.rank(); i < columns; i += team.size()) {
        out[i] = i == label && !clipped ? share - g / in[i] : share;
      }
    }
  }
};

}  // namespace

void softmax(Stream stream, DType dtype, bool log, i64 rows, i64 columns, const void* x, void* y) {
  for_float(dtype, [&]<class T>() {
    log ? for_each_team(stream, rows, columns, Softmax<T, true>{as<T>(x), as<T>(y), columns})
        : for_each_team(stream, rows, columns, Softmax<T, false>{as<T>(x), as<T>(y), columns});
  });
}

void softmax_gradient(Stream stream, DType dtype, bool log, i64 rows, i64 columns, const void* dy, const void* y,
                      void* dx) {
  for_float(dtype, [&]<class T>() {
    log ? for_each_team(stream, rows, columns, SoftmaxGradient<T, true>{as<T>(dy), as<T>(y), as<T>(dx), columns})
        : for_each_team(stream, rows, columns, SoftmaxGradient<T, false>{as<T>(dy), as<T>(y), as<T>(dx), columns});
  });
}

void sparse_crossentropy(Stream stream, DType dtype, bool from_logits, i64 rows, i64 columns, const void* x,
                         const std::int32_t* labels, void* loss) {
  for_float(dtype, [&]<class T>() {
    from_logits
        ? for_each_team(stream, rows, columns, SparseCrossentropy<T, true>{as<T>(x), labels, as<T>(loss), columns})
        : for_each_team(stream, rows, columns, SparseCrossentropy<T, false>{as<T>(x), labels, as<T>(loss), columns});
  });
}

void sparse_crossentropy_gradient(Stream stream, DType dtype, bool from_logits, i64 rows, i64 columns, const void* dy,
                                  const void* x, const std::int32_t* labels, void* dx) {
  for_float(dtype, [&]<class T>() {
    const auto run = [&](auto f) { for_each_team(stream, rows, columns, f); };
    from_logits ? run(SparseCrossentropyGradient<T, true>{as<T>(dy), as<T>(x), labels, as<T>(dx), columns})
                : run(SparseCrossentropyGradient<T, false>{as<T>(dy), as<T>(x), labels, as<T>(dx), columns});
  });
}

}  // namespace keratin::cuda
