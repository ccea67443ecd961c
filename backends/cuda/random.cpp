// Random numbers and dropout: the CPU's numbers.
#include "keratin/core/ops/random.h"

#include "keratin/backends/cuda/device/random.h"
#include "keratin/backends/cuda/kernel.h"

namespace keratin::cuda {
namespace {

KernelPtr prepare_uniform(const OpCall& call) {
  const auto* attrs = call.attributes<RandomAttrs>();
  if (!attrs || !call.has(1) || !is(call.in[0], {}, DType::int64) || !is(call.out[0], attrs->shape, DType::float32)) {
    return nullptr;
  }
  return make_kernel("random float32", [key = attrs->stream, n = attrs->shape.size()](const Launch& l) {
    random_uniform(l.stream, key, static_cast<const i64*>(l.in[0]), static_cast<float*>(l.out[0]), n);
  });
}

// inputs (x, step)
KernelPtr prepare_dropout(const OpCall& call) {
  const auto* attrs = call.attributes<DropoutAttrs>();
  if (!attrs || !call.has(2) || !same(call.in[0], call.out[0]) || !is(call.in[1], {}, DType::int64) ||
      !is_floating(call.in[0].dtype) || !(attrs->rate >= 0 && attrs->rate <= 1)) {
    return nullptr;
  }
  return make_kernel("dropout " + std::string(name_of(call.in[0].dtype)),
                     [dtype = call.in[0].dtype, key = attrs->stream, rate = attrs->rate,
                      n = call.out[0].shape.size()](const Launch& l) {
                       dropout(l.stream, dtype, key, rate, l.in[0], static_cast<const i64*>(l.in[1]), l.out[0], n);
                     });
}

}  // namespace

void register_random(KernelTable& table) {
  table.add(kRandomUniform.name, prepare_uniform);
  table.add(kDropout.name, prepare_dropout);
}

}  // namespace keratin::cuda
