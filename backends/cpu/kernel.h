// What the CPU backend computes with: a kernel is a step made ready to run many times; the table finds it by the op.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "keratin/core/runtime/detail/op_call.h"

namespace keratin::cpu {

class Kernel;
using KernelPtr = std::unique_ptr<Kernel>;

// A kernel in two parts, for many runs that have one of their inputs in common.
struct SplitKernel {
  std::size_t input = 0;  // the one that stays
  std::size_t bytes = 0;  // of what is made of it
  KernelPtr prepare;      // from that input to what is made of it
  KernelPtr run;          // like the kernel itself, with what was made in the place of the input
};

class Kernel {
 public:
  explicit Kernel(std::string description, std::size_t workspace_bytes = 0)
      : description_(std::move(description)), workspace_bytes_(workspace_bytes) {}
  virtual ~Kernel() = default;
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  // Computes the outputs from the inputs. Allocates nothing and does not throw. `workspace` has workspace_bytes(),
  // aligned to kSlotAlignment; other kernels use it in between.
  virtual void run(const void* const* in, void* const* out, void* workspace) const = 0;

  // Where preparing an input once for many runs saves time; otherwise `prepare` is empty.
  virtual SplitKernel split() const { return {}; }

  // Algorithm and split of the work, for the placement log.
  const std::string& description() const { return description_; }
  std::size_t workspace_bytes() const { return workspace_bytes_; }

 private:
  std::string description_;
  std::size_t workspace_bytes_;
};

// A kernel from a callable f(in, out, workspace); everything it needs at run time is in its captures.
template <class F>
KernelPtr make_kernel(std::string description, std::size_t workspace_bytes, F f) {
  struct FunctionKernel final : Kernel {
    FunctionKernel(std::string description, std::size_t workspace_bytes, F f)
        : Kernel(std::move(description), workspace_bytes), f_(std::move(f)) {}
    void run(const void* const* in, void* const* out, void* workspace) const override { f_(in, out, workspace); }
    F f_;
  };
  return std::make_unique<FunctionKernel>(std::move(description), workspace_bytes, std::move(f));
}
template <class F>
KernelPtr make_kernel(std::string description, F f) {
  return make_kernel(std::move(description), 0,
                     [f = std::move(f)](const void* const* in, void* const* out, void*) { f(in, out); });
}

// The same with a `split`, a callable that returns a SplitKernel.
template <class F, class S>
KernelPtr make_kernel(std::string description, std::size_t workspace_bytes, F f, S split) {
  struct SplittableKernel final : Kernel {
    SplittableKernel(std::string description, std::size_t workspace_bytes, F f, S split)
        : Kernel(std::move(description), workspace_bytes), f_(std::move(f)), split_(std::move(split)) {}
    void run(const void* const* in, void* const* out, void* workspace) const override { f_(in, out, workspace); }
    SplitKernel split() const override { return split_(); }
    F f_;
    S split_;
  };
  return std::make_unique<SplittableKernel>(std::move(description), workspace_bytes, std::move(f), std::move(split));
}

using KernelTable = BasicKernelTable<Kernel, OpCall>;

// All kernels of this backend.
const KernelTable& kernel_table();

void register_unary(KernelTable& table);
void register_binary(KernelTable& table);
void register_elementwise(KernelTable& table);
void register_matmul(KernelTable& table);
void register_conv(KernelTable& table);
void register_conv_pool(KernelTable& table);
void register_pool(KernelTable& table);
void register_random(KernelTable& table);
void register_sorting(KernelTable& table);
void register_reduce(KernelTable& table);
void register_shaping(KernelTable& table);
void register_softmax(KernelTable& table);
void register_gather(KernelTable& table);
void register_update(KernelTable& table);
void register_loop(KernelTable& table);
void register_fused_elementwise(KernelTable& table);

template <class T>
const T* as(const void* memory) {
  return static_cast<const T*>(memory);
}
template <class T>
T* as(void* memory) {
  return static_cast<T*>(memory);
}

}  // namespace keratin::cpu
