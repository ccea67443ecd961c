// What the CUDA backend computes with: a kernel is a step made ready to run many times; the table finds it by the op.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "keratin/backends/cuda/context.h"
#include "keratin/backends/cuda/device/tape.h"
#include "keratin/core/runtime/detail/op_call.h"

namespace keratin::cuda {

// One run of a kernel: addresses in device memory, each a multiple of the call's alignment.
struct Launch {
  Stream stream;
  const void* const* in;
  void* const* out;
  std::byte* workspace;       // other kernels use it in between
  std::byte* kept = nullptr;  // of joined steps: what the first leaves for the second, which no other kernel touches
};

class Kernel {
 public:
  explicit Kernel(std::string description, i64 workspace_bytes = 0)
      : description_(std::move(description)), workspace_bytes_(workspace_bytes) {}
  virtual ~Kernel() = default;
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  // Puts its work on the stream. Allocates nothing and waits for nothing, so that it can be captured. Throws
  // BackendError when a library refuses what it had promised.
  virtual void run(const Launch& launch) const = 0;

  // Fills in a tape's step that does the same; false when this is none for tapes.
  virtual bool write_tape(const Launch&, TapeStep&) const { return false; }

  // Kernel and algorithm, for the placement log.
  virtual std::string description() const { return description_; }
  // About how many launches and copies a run puts on the stream.
  virtual i64 launches() const { return 1; }
  i64 workspace_bytes() const { return workspace_bytes_; }
  // Whether it may leave the first stream, to which the plan's one workspace and cuDNN's handle belong.
  virtual bool runs_on_any_stream() const { return workspace_bytes_ == 0; }

  // More that the placement log should tell.
  void describe_further(const std::string& text) { description_ += text; }

 protected:
  void set_workspace_bytes(i64 bytes) { workspace_bytes_ = bytes; }

 private:
  std::string description_;
  i64 workspace_bytes_;
};

using KernelPtr = std::unique_ptr<Kernel>;

// A kernel from a callable f(const Launch&); everything it needs at run time is in its captures.
template <class F>
KernelPtr make_kernel(std::string description, i64 workspace_bytes, F f) {
  struct FunctionKernel final : Kernel {
    FunctionKernel(std::string description, i64 workspace_bytes, F f)
        : Kernel(std::move(description), workspace_bytes), f_(std::move(f)) {}
    void run(const Launch& launch) const override { f_(launch); }
    F f_;
  };
  return std::make_unique<FunctionKernel>(std::move(description), workspace_bytes, std::move(f));
}
template <class F>
KernelPtr make_kernel(std::string description, F f) {
  return make_kernel(std::move(description), 0, std::move(f));
}

// The same, of a step that may share a launch with its neighbours: `step` is it, without addresses.
template <class F>
KernelPtr make_tape_kernel(std::string description, const TapeStep& step, F f) {
  if (!fits_tape(step)) return make_kernel(std::move(description), std::move(f));
  struct TapedKernel final : Kernel {
    TapedKernel(std::string description, const TapeStep& step, F f)
        : Kernel(std::move(description)), step_(step), f_(std::move(f)) {}
    void run(const Launch& launch) const override { f_(launch); }
    bool write_tape(const Launch& launch, TapeStep& step) const override {
      step = step_;
      step.in[0] = launch.in[0];
      step.in[1] = step.kind == TapeKind::binary ? launch.in[1] : nullptr;
      step.out = launch.out[0];
      return true;
    }
    TapeStep step_;
    F f_;
  };
  return std::make_unique<TapedKernel>(std::move(description), step, std::move(f));
}

// One use of an op: what a kernel is prepared from.
struct OpCall : keratin::OpCall {
  CompileOptions options;
  Context& context;
  // Whether there would be a kernel is all that is asked: no algorithm need be chosen.
  bool only_asking = false;
  // What the operands' addresses are multiples of, at least the size of an element: in a loop they are pieces of
  // sequences. Algorithms may depend on it, whether there is a kernel does not.
  i64 alignment = kSlotAlignment;
};

// What a kernel answers when that was all that was asked.
inline KernelPtr yes() {
  return make_kernel("", [](const Launch&) {});
}

using KernelTable = BasicKernelTable<Kernel, OpCall>;

// All kernels of this backend.
const KernelTable& kernel_table();

// The kernel of a plan's step, or nullptr.
KernelPtr prepare_step(const Plan& plan, const Step& step, const CompileOptions& options, Context& context,
                       i64 alignment = kSlotAlignment, bool only_asking = false);

void register_elementwise(KernelTable& table);
void register_matmul(KernelTable& table);
void register_conv(KernelTable& table);
void register_pool(KernelTable& table);
void register_random(KernelTable& table);
void register_recurrent(KernelTable& table);
void register_sorting(KernelTable& table);
void register_reduce(KernelTable& table);
void register_shaping(KernelTable& table);
void register_softmax(KernelTable& table);
void register_gather(KernelTable& table);
void register_update(KernelTable& table);
void register_loop(KernelTable& table);
void register_fused_elementwise(KernelTable& table);

}  // namespace keratin::cuda
