// 2-D convolutions: by cuDNN, else as matrix products over the windows, else one element at a time.
#include "keratin/core/ops/conv.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

#include "keratin/backends/cuda/conv_plan.h"
#include "keratin/backends/cuda/device/elementwise.h"
#include "keratin/backends/cuda/device/shaping.h"
#include "keratin/backends/cuda/kernel.h"
#include "keratin/backends/cuda/matmul_plan.h"
#include "keratin/core/ops/detail/windows.h"
#include "keratin/core/tensor/log.h"

namespace keratin::cuda {
namespace {

// What a convolution may take of a device's memory besides its operands.
constexpr i64 kDnnWorkspace = i64{256} << 20, kRowsWorkspace = i64{64} << 20;

i64 aligned(i64 bytes) { return (bytes + kSlotAlignment - 1) / kSlotAlignment * kSlotAlignment; }

struct Problem {
  ConvDirection direction = ConvDirection::forward;
  WindowShape shape = {};
  i64 pad_bottom = 0, pad_right = 0;
  DType dtype = DType::float32;
  bool bias = false, relu = false;

  i64 kernel_size() const { return shape.kh * shape.kw * (shape.c / shape.groups) * shape.f; }
  // Rows and columns of the kernel as a matrix, in Keras's layout (kh, kw, c / groups, f).
  i64 kernel_rows() const { return shape.kh * shape.kw * (shape.c / shape.groups); }
};

// Puts the sizes for attributes and operands into the problem; false when they do not fit each other.
bool read_shape(const Conv2DAttrs& attrs, const Shape& x, const Shape& kernel, const Shape& y, Problem& p) {
  const auto shape = op_support::window_shape(attrs, x, kernel, y);
  if (!shape) return false;
  p.shape = *shape;
  p.pad_bottom = attrs.padding.after[0];
  p.pad_right = attrs.padding.after[1];
  return true;
}

std::string text_of(const Problem& p) {
  const WindowShape& s = p.shape;
  const auto by = [](i64 a, i64 b, i64 c) {
    return std::to_string(a) + "x" + std::to_string(b) + "x" + std::to_string(c);
  };
  const char* what = p.direction == ConvDirection::forward          ? "conv "
                     : p.direction == ConvDirection::input_gradient ? "conv input gradient "
                                                                    : "conv kernel gradient ";
  return what + std::to_string(s.n) + "x" + by(s.h, s.w, s.c) + " -> " + by(s.oh, s.ow, s.f) + ", kernel " +
         std::to_string(s.kh) + "x" + std::to_string(s.kw) + ", ";
}

KernelPtr direct_kernel(const Problem& p) {
  return make_kernel(text_of(p) + "one element at a time", [p](const Launch& l) {
    switch (p.direction) {
      case ConvDirection::forward:
        direct_conv(l.stream, p.dtype, p.shape, l.in[0], l.in[1], l.out[0]);
        if (!p.bias && !p.relu) return;
        return add_bias(l.stream, p.dtype, p.relu, p.bias ? l.in[2] : nullptr, l.out[0],
                        p.shape.n * p.shape.oh * p.shape.ow, p.shape.f);
      case ConvDirection::input_gradient:
        return direct_conv_input_gradient(l.stream, p.dtype, p.shape, l.in[0], l.in[1], l.out[0]);
      case ConvDirection::kernel_gradient:
        return direct_conv_kernel_gradient(l.stream, p.dtype, p.shape, l.in[0], l.in[1], l.out[0]);
    }
  });
}

// cuDNN wants kernels as (f, kh, kw, c / groups); ours are transposed before or after, in the workspace.
class DnnConv final : public Kernel {
 public:
  DnnConv(const Context& context, const Problem& p, std::shared_ptr<ConvPlan> plan, bool epilogue)
      : Kernel("", aligned(p.kernel_size() * 4) + plan->workspace_bytes()),
        context_(context),
        p_(p),
        plan_(std::move(plan)),
        epilogue_(epilogue),
        rescue_(direct_kernel(p)) {}

  std::string description() const override {
    if (rescued_) return rescue_->description() + ", " + plan_->description();
    return text_of(p_) + plan_->description() + (epilogue_ ? ", epilogue by itself" : "");
  }

  // cuDNN's handle has a stream, and its work goes there.
  bool runs_on_any_stream() const override { return false; }

  void run(const Launch& l) const override {
    if (run_plan(l)) return;
    if (!std::exchange(rescued_, true)) {
      log(LogLevel::warning, text_of(p_) + "every engine of cuDNN failed (" + plan_->failure() +
                                 "); it is computed one element at a time, which is slow");
    }
    rescue_->run(l);
  }

 private:
  bool run_plan(const Launch& l) const {
    void* kernel = l.workspace;
    void* rest = l.workspace + aligned(p_.kernel_size() * 4);
    const auto input = [&](std::size_t i) { return const_cast<void*>(l.in[i]); };
    if (p_.direction == ConvDirection::kernel_gradient) {
      if (!plan_->run({input(0), input(1), kernel}, rest, context_.capturing)) return false;
      transpose(l.stream, 4, 1, p_.shape.f, p_.kernel_rows(), kernel, l.out[0]);
      return true;
    }
    transpose(l.stream, 4, 1, p_.kernel_rows(), p_.shape.f, l.in[1], kernel);
    std::vector<void*> operands = {input(0), kernel};
    if (p_.bias && !epilogue_) operands.push_back(input(2));
    operands.push_back(l.out[0]);
    if (!plan_->run(operands, rest, context_.capturing)) return false;
    const WindowShape& s = p_.shape;
    if (epilogue_) add_bias(l.stream, p_.dtype, p_.relu, p_.bias ? l.in[2] : nullptr, l.out[0], s.n * s.oh * s.ow, s.f);
    return true;
  }

  const Context& context_;
  Problem p_;
  std::shared_ptr<ConvPlan> plan_;
  bool epilogue_;     // bias and activation are a kernel of their own
  KernelPtr rescue_;  // for when cuDNN fails in a run: memory is planned then, and this needs none
  mutable bool rescued_ = false;
};

// Null when cuDNN refuses; `refusal` says why then.
std::shared_ptr<ConvPlan> dnn_plan(const OpCall& call, const Problem& p, bool fused, std::string& refusal) {
  Context& context = call.context;
  const ConvProblem problem{.direction = p.direction,
                            .shape = p.shape,
                            .pad_bottom = p.pad_bottom,
                            .pad_right = p.pad_right,
                            .bias = fused && p.bias,
                            .relu = fused && p.relu,
                            .precision = call.options.precision,
                            .deterministic = call.options.deterministic,
                            .workspace_limit = kDnnWorkspace};
  const auto [found, is_new] = context.convs.try_emplace(problem.key());
  if (is_new) {
    found->second = ConvPlan::make({*context.dnn(), context.dnn_handle(), nullptr}, problem, refusal);
    if (!found->second) context.conv_refusals[found->first] = refusal;
  }
  if (!found->second) refusal = context.conv_refusals[found->first];
  return found->second;
}

KernelPtr dnn_kernel(const OpCall& call, const Problem& p, std::string& refusal) {
  if (!call.context.dnn() || p.dtype != DType::float32 || call.alignment % kDnnAlignment != 0) return nullptr;
  if (auto plan = dnn_plan(call, p, true, refusal)) {
    return std::make_unique<DnnConv>(call.context, p, std::move(plan), false);
  }
  if (!p.bias && !p.relu) return nullptr;
  if (auto plan = dnn_plan(call, p, false, refusal)) {
    return std::make_unique<DnnConv>(call.context, p, std::move(plan), true);
  }
  return nullptr;
}

// The windows of some images at a time as the rows of a matrix.
class ProductConv final : public Kernel {
 public:
  struct Chunk {
    i64 first = 0, count = 0;
    std::shared_ptr<const MatmulPlan> plan;
  };

  static KernelPtr make(const OpCall& call, const Problem& p) {
    const WindowShape& s = p.shape;
    const auto element = static_cast<i64>(size_of(p.dtype));
    const bool rows_are_input = s.kh == 1 && s.kw == 1 && s.stride_h == 1 && s.stride_w == 1 && s.pad_top == 0 &&
                                s.pad_left == 0 && p.pad_bottom == 0 && p.pad_right == 0;
    const i64 image_bytes = s.oh * s.ow * p.kernel_rows() * element;
    const i64 at_once = rows_are_input ? s.n : std::clamp<i64>(kRowsWorkspace / image_bytes, 1, s.n);
    std::vector<Chunk> chunks;
    i64 product_bytes = 0;
    for (i64 first = 0; first < s.n; first += at_once) {
      Chunk chunk{first, std::min(at_once, s.n - first), nullptr};
      const i64 rows = chunk.count * s.oh * s.ow;
      MatmulShape shape{.dtype = p.dtype, .alignment = call.alignment};
      switch (p.direction) {
        case ConvDirection::forward:
          shape.m = rows, shape.n = s.f, shape.k = p.kernel_rows();
          shape.bias = p.bias, shape.relu = p.relu;
          break;
        case ConvDirection::input_gradient:
          shape.m = rows, shape.n = p.kernel_rows(), shape.k = s.f;
          shape.trans_b = true;
          break;
        case ConvDirection::kernel_gradient:
          shape.m = p.kernel_rows(), shape.n = s.f, shape.k = rows;
          shape.trans_a = true, shape.accumulate = first > 0;
          break;
      }
      if (at_once < s.n) shape.alignment = std::gcd(shape.alignment, at_once * s.oh * s.ow * s.f * element);
      chunk.plan = std::make_shared<const MatmulPlan>(call.context, shape, call.options);
      product_bytes = std::max(product_bytes, chunk.plan->workspace_bytes());
      chunks.push_back(std::move(chunk));
    }
    const i64 rows_bytes = rows_are_input ? 0 : aligned(at_once * image_bytes);
    return std::make_unique<ProductConv>(p, rows_bytes, product_bytes, std::move(chunks));
  }

  ProductConv(const Problem& p, i64 rows_bytes, i64 product_bytes, std::vector<Chunk> chunks)
      : Kernel(text_of(p) + "windows as rows, " + std::to_string(chunks.size()) + " x " + chunks[0].plan->description(),
               rows_bytes + product_bytes),
        p_(p),
        rows_bytes_(rows_bytes),
        chunks_(std::move(chunks)) {}

  i64 launches() const override { return 2 * static_cast<i64>(chunks_.size()); }

  void run(const Launch& l) const override {
    const WindowShape& s = p_.shape;
    const auto element = static_cast<i64>(size_of(p_.dtype));
    void* rest = l.workspace + rows_bytes_;
    for (const Chunk& chunk : chunks_) {
      const i64 y_offset = chunk.first * s.oh * s.ow * s.f * element;
      const auto at = [&](const void* y) { return static_cast<const std::byte*>(y) + y_offset; };
      void* rows = rows_bytes_ > 0 ? static_cast<void*>(l.workspace) : nullptr;
      const auto rows_of = [&](const void* x) -> const void* {
        if (!rows) return x;
        windows_to_rows(l.stream, p_.dtype, s, chunk.first, chunk.count, x, rows);
        return rows;
      };
      switch (p_.direction) {
        case ConvDirection::forward:
          chunk.plan->run(l.stream, rows_of(l.in[0]), l.in[1], p_.bias ? l.in[2] : nullptr,
                          static_cast<std::byte*>(l.out[0]) + y_offset, rest);
          break;
        case ConvDirection::input_gradient:
          chunk.plan->run(l.stream, at(l.in[0]), l.in[1], nullptr, rows ? rows : l.out[0], rest);
          if (rows) rows_to_windows(l.stream, p_.dtype, s, chunk.first, chunk.count, rows, l.out[0]);
          break;
        case ConvDirection::kernel_gradient:
          chunk.plan->run(l.stream, rows_of(l.in[0]), at(l.in[1]), nullptr, l.out[0], rest);
          break;
      }
    }
  }

 private:
  Problem p_;
  i64 rows_bytes_;
  std::vector<Chunk> chunks_;
};

KernelPtr conv_kernel(const OpCall& call, const Problem& p) {
  if (call.only_asking) return yes();
  const bool empty = p.shape.n == 0 || p.shape.c == 0 || p.shape.f == 0;
  if (empty) return direct_kernel(p);
  std::string refusal;
  if (KernelPtr kernel = dnn_kernel(call, p, refusal)) return kernel;
  KernelPtr kernel = p.shape.groups == 1 ? ProductConv::make(call, p) : direct_kernel(p);
  if (!refusal.empty()) kernel->describe_further(", for cuDNN refuses: " + refusal);
  return kernel;
}

bool all_floating(const OpCall& call) {
  const DType dtype = call.out[0].dtype;
  return is_floating(dtype) &&
         std::all_of(call.in.begin(), call.in.end(), [&](const SpecView& in) { return in.dtype == dtype; });
}

KernelPtr forward(const OpCall& call, const Conv2DAttrs& attrs, bool bias, bool relu) {
  Problem p{.dtype = call.out[0].dtype, .bias = bias, .relu = relu};
  if (!call.has(bias ? 3 : 2) || !all_floating(call) ||
      !read_shape(attrs, call.in[0].shape, call.in[1].shape, call.out[0].shape, p) ||
      (bias && call.in[2].shape != Shape{p.shape.f})) {
    return nullptr;
  }
  return conv_kernel(call, p);
}

KernelPtr prepare_conv(const OpCall& call) {
  const auto* attrs = call.attributes<Conv2DAttrs>();
  return attrs && !call.out.empty() ? forward(call, *attrs, false, false) : nullptr;
}

KernelPtr prepare_fused(const OpCall& call) {
  const auto* attrs = call.attributes<Conv2DFusedAttrs>();
  if (!attrs || call.out.empty()) return nullptr;
  return forward(call, attrs->conv, attrs->bias, attrs->activation == FusedActivation::relu);
}

// inputs (dy, kernel)
KernelPtr prepare_input_gradient(const OpCall& call) {
  const auto* attrs = call.attributes<Conv2DInputGradAttrs>();
  if (!attrs || !call.has(2) || !all_floating(call) || call.out[0].shape != attrs->input_shape) return nullptr;
  Problem p{.direction = ConvDirection::input_gradient, .dtype = call.out[0].dtype};
  if (!read_shape(attrs->conv, attrs->input_shape, call.in[1].shape, call.in[0].shape, p)) return nullptr;
  return conv_kernel(call, p);
}

// inputs (x, dy)
KernelPtr prepare_kernel_gradient(const OpCall& call) {
  const auto* attrs = call.attributes<Conv2DKernelGradAttrs>();
  if (!attrs || !call.has(2) || !all_floating(call) || call.out[0].shape != attrs->kernel_shape) return nullptr;
  Problem p{.direction = ConvDirection::kernel_gradient, .dtype = call.out[0].dtype};
  if (!read_shape(attrs->conv, call.in[0].shape, attrs->kernel_shape, call.in[1].shape, p)) return nullptr;
  return conv_kernel(call, p);
}

}  // namespace

void register_conv(KernelTable& table) {
  table.add(kConv2D.name, prepare_conv);
  table.add(kConv2DFused.name, prepare_fused);
  table.add(kConv2DInputGrad.name, prepare_input_gradient);
  table.add(kConv2DKernelGrad.name, prepare_kernel_gradient);
}

}  // namespace keratin::cuda
