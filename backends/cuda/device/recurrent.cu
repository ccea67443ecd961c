#include "keratin/backends/cuda/device/recurrent.h"

#include "keratin/backends/cuda/device/index.h"

namespace keratin::cuda {
namespace {

// One element of Keras's weights: which of them, where in it, and where in the space.
struct Place {
  int part;  // 0: kernel, 1: recurrent kernel, 2: bias, 3: a bias that only the space has
  i64 keras, space;
};

KERATIN_HOST_DEVICE inline i64 matrix_elements(const RecurrentWeights& w) {
  return (w.features + w.units) * w.gates * w.units;
}

// Elements are counted as they lie in the space: gate by gate, matrices first, so that writes are in a row there.
KERATIN_HOST_DEVICE inline Place place_of(const RecurrentWeights& w, i64 i) {
  const i64 width = w.gates * w.units, of_kernel = w.features * width;
  if (i < matrix_elements(w)) {
    const bool first = i < of_kernel;
    const i64 inputs = first ? w.features : w.units, at = first ? i : i - of_kernel;
    const i64 row = quotient(at, inputs), column = at - row * inputs;
    const i64 gate = quotient(row, w.units), unit = row - gate * w.units;
    return {first ? 0 : 1, column * width + row, (first ? w.kernel : w.recurrent)[gate] + unit * inputs + column};
  }
  const i64 at = i - matrix_elements(w), side = at >= width ? 1 : 0, row = at - side * width;
  const i64 gate = quotient(row, w.units);
  return {side < w.biases ? 2 : 3, at, w.bias[side][gate] + row - gate * w.units};
}

struct Pack {
  RecurrentWeights layout;
  const float *kernel, *recurrent, *bias;
  float* space;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const Place p = place_of(layout, i);
    space[p.space] = p.part == 3 ? 0.0f : (p.part == 0 ? kernel : p.part == 1 ? recurrent : bias)[p.keras];
  }
};

struct Unpack {
  RecurrentWeights layout;
  const float* space;
  float *kernel, *recurrent, *bias;
  KERATIN_HOST_DEVICE void operator()(i64 i) const {
    const Place p = place_of(layout, i);
    (p.part == 0 ? kernel : p.part == 1 ? recurrent : bias)[p.keras] = space[p.space];
  }
};

}  // namespace

void pack_recurrent_weights(Stream stream, const RecurrentWeights& layout, const float* kernel, const float* recurrent,
                            const float* bias, float* space) {
  for_each(stream, matrix_elements(layout) + 2 * layout.gates * layout.units,
           Pack{layout, kernel, recurrent, bias, space});
}

void unpack_recurrent_weights(Stream stream, const RecurrentWeights& layout, const float* space, float* kernel,
                              float* recurrent, float* bias) {
  for_each(stream, matrix_elements(layout) + layout.biases * layout.gates * layout.units,
           Unpack{layout, space, kernel, recurrent, bias});
}

}  // namespace keratin::cuda
