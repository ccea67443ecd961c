// Random numbers: each element is a function of (stream, step, element), so any split gives the same ones.
#include "keratin/core/ops/random.h"

#include "keratin/backends/cpu/parallel.h"
#include "keratin/backends/cpu/typed.h"

namespace keratin::cpu {
namespace {

constexpr i64 kBlock = 4;  // numbers of one Philox block

std::uint64_t step_of(const void* step) { return static_cast<std::uint64_t>(*as<i64>(step)); }

KernelPtr prepare_uniform(const OpCall& call) {
  const auto* attrs = call.attributes<RandomAttrs>();
  if (!attrs || !call.has(1) || !is(call.in[0], {}, DType::int64) || !is(call.out[0], attrs->shape, DType::float32)) {
    return nullptr;
  }
  const Range range(attrs->shape.size(), kGrainHeavy, kBlock);
  return make_kernel(
      describe("random", DType::float32, range.chunks),
      [=, stream = attrs->stream, uniform = simd().f32.uniform](const void* const* in, void* const* out) {
        range.run([&](i64 begin, i64 end) {
          uniform(stream, step_of(in[0]), begin, end - begin, 0, 1, as<float>(out[0]) + begin);
        });
      });
}

// inputs (x, step)
KernelPtr prepare_dropout(const OpCall& call) {
  const auto* attrs = call.attributes<DropoutAttrs>();
  if (!attrs || !call.has(2) || !same(call.in[0], call.out[0]) || !is(call.in[1], {}, DType::int64) ||
      !(attrs->rate >= 0 && attrs->rate <= 1)) {
    return nullptr;
  }
  return for_float(call.in[0].dtype, [&]<class T>() {
    const Range range(call.out[0].shape.size(), kGrainHeavy, kBlock);
    return make_kernel(describe("dropout", dtype_of<T>, range.chunks),
                       [=, stream = attrs->stream, rate = static_cast<T>(attrs->rate),
                        dropout = float_kernels<T>().dropout](const void* const* in, void* const* out) {
                         range.run([&](i64 begin, i64 end) {
                           dropout(stream, step_of(in[1]), begin, end - begin, rate, as<T>(in[0]) + begin,
                                   as<T>(out[0]) + begin);
                         });
                       });
  });
}

}  // namespace

void register_random(KernelTable& table) {
  table.add(kRandomUniform.name, prepare_uniform);
  table.add(kDropout.name, prepare_dropout);
}

}  // namespace keratin::cpu
