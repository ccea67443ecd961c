// Optimizer updates of all variables in one pass: fixed pieces of the variables, shared by the threads.
#include "keratin/core/ops/update.h"

#include <vector>

#include "keratin/backends/cpu/parallel.h"
#include "keratin/backends/cpu/typed.h"

namespace keratin::cpu {
namespace {

// A run of elements of one variable.
struct Piece {
  std::size_t variable = 0;
  i64 begin = 0, size = 0;
  double decay = 0;
  bool wide = false;  // float64
};

// Pieces of at most kGrainHeavy elements, and where each chunk's pieces begin; a chunk holds about as many elements.
struct Pieces {
  std::vector<Piece> pieces;
  std::vector<std::size_t> chunk_begin = {0};

  void add(std::size_t variable, const Shape& shape, double decay, DType dtype) {
    const i64 size = shape.size();
    for (i64 begin = 0; begin < size; begin += kGrainHeavy) {
      const i64 count = std::min(kGrainHeavy, size - begin);
      if (filled_ > 0 && filled_ + count > kGrainHeavy) close();
      pieces.push_back({variable, begin, count, decay, dtype == DType::float64});
      filled_ += count;
    }
  }
  void close() {
    chunk_begin.push_back(pieces.size());
    filled_ = 0;
  }
  i64 chunks() const { return static_cast<i64>(chunk_begin.size()) - 1; }

 private:
  i64 filled_ = 0;
};

// The specs of an update: `scalars` float32 scalars, then gradients; outputs: variables, then `slots` for each.
bool read_specs(const OpCall& call, const UpdateAttrs& attrs, std::size_t scalars, std::size_t slots, Pieces& pieces) {
  const std::size_t count = attrs.variables.size();
  if (!call.has(scalars + count, count * (1 + slots)) || attrs.decay.size() != count) return false;
  for (std::size_t i = 0; i < scalars; ++i) {
    if (!is(call.in[i], {}, DType::float32)) return false;
  }
  for (std::size_t i = 0; i < count; ++i) {
    const SpecView& variable = call.out[i];
    if (!is_floating(variable.dtype) || !same(call.in[scalars + i], variable)) return false;
    for (std::size_t s = 1; s <= slots; ++s) {
      if (!same(call.out[s * count + i], variable)) return false;
    }
    pieces.add(i, variable.shape, attrs.decay[i], variable.dtype);
  }
  pieces.close();
  return true;
}

// step.operator()<T>(piece, scalars, gradient, variable, slot 0, slot 1), with null for slots that are not there.
template <class Step>
KernelPtr update_kernel(const OpCall& call, const UpdateAttrs& attrs, std::size_t scalars, std::size_t slots,
                        const std::string& name, Step step) {
  Pieces pieces;
  if (!read_specs(call, attrs, scalars, slots, pieces)) return nullptr;
  const std::size_t count = attrs.variables.size();
  const std::string text = name + " of " + std::to_string(count) + (count == 1 ? " variable" : " variables");
  const i64 chunks = pieces.chunks();
  return make_kernel(
      describe(text, DType::float32, chunks), [=, pieces = std::move(pieces)](const void* const* in, void* const* out) {
        const auto run = [&]<class T>(const Piece& p) {
          const auto slot = [&](std::size_t s) {
            return s < slots ? as<T>(out[(1 + s) * count + p.variable]) + p.begin : nullptr;
          };
          step(p, in, as<T>(in[scalars + p.variable]) + p.begin, as<T>(out[p.variable]) + p.begin, slot(0), slot(1));
        };
        parallel_for(chunks, [&](i64 chunk) {
          const auto c = static_cast<std::size_t>(chunk);
          for (std::size_t i = pieces.chunk_begin[c]; i < pieces.chunk_begin[c + 1]; ++i) {
            const Piece& p = pieces.pieces[i];
            p.wide ? run.template operator()<double>(p) : run.template operator()<float>(p);
          }
        });
      });
}

double scalar(const void* const* in, std::size_t i) { return *as<float>(in[i]); }

KernelPtr prepare_sgd(const OpCall& call) {
  const auto* attrs = call.attributes<UpdateAttrs>();
  if (!attrs) return nullptr;
  const SgdStep fixed{.momentum = attrs->a, .nesterov = attrs->flag};
  return update_kernel(call, *attrs, 1, attrs->a > 0 ? 1 : 0, "sgd",
                       [=]<class T>(const Piece& p, const void* const* in, const T* g, T* w, T* m, T*) {
                         SgdStep step = fixed;
                         step.learning_rate = scalar(in, 0);
                         step.decay = p.decay;
                         float_kernels<T>().sgd(step, g, w, m, p.size);
                       });
}

KernelPtr prepare_adam(const OpCall& call) {
  const auto* attrs = call.attributes<UpdateAttrs>();
  if (!attrs) return nullptr;
  const AdamStep fixed{.beta_1 = attrs->a, .beta_2 = attrs->b, .epsilon = attrs->epsilon};
  return update_kernel(call, *attrs, 2, 2, "adam",
                       [=]<class T>(const Piece& p, const void* const* in, const T* g, T* w, T* m, T* v) {
                         AdamStep step = fixed;
                         step.alpha = scalar(in, 1);
                         step.decay = p.decay * scalar(in, 0);
                         float_kernels<T>().adam(step, g, w, m, v, nullptr, p.size);
                       });
}

KernelPtr prepare_rmsprop(const OpCall& call) {
  const auto* attrs = call.attributes<UpdateAttrs>();
  if (!attrs) return nullptr;
  const RmspropStep fixed{.rho = attrs->a, .momentum = attrs->b, .epsilon = attrs->epsilon};
  return update_kernel(call, *attrs, 1, attrs->b > 0 ? 2 : 1, "rmsprop",
                       [=]<class T>(const Piece& p, const void* const* in, const T* g, T* w, T* v, T* m) {
                         RmspropStep step = fixed;
                         step.learning_rate = scalar(in, 0);
                         step.decay = p.decay;
                         float_kernels<T>().rmsprop(step, g, w, v, m, nullptr, p.size);
                       });
}

}  // namespace

void register_update(KernelTable& table) {
  table.add(kSgdUpdate.name, prepare_sgd);
  table.add(kAdamUpdate.name, prepare_adam);
  table.add(kRmspropUpdate.name, prepare_rmsprop);
}

}  // namespace keratin::cpu
