#include "keratin/backends/cuda/matmul_plan.h"

#include <array>

#include "keratin/backends/cuda/device/elementwise.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::cuda {
namespace {

// What NVIDIA recommends: 32 MiB since Hopper, 4 MiB before.
i64 workspace_limit(const Context& context) { return i64{context.compute_capability() >= 90 ? 32 : 4} << 20; }

constexpr int kProposals = 8;

blas::ComputeType compute_type(DType dtype, Precision precision) {
  if (dtype == DType::float64) return blas::kCompute64F;
  switch (precision) {
    case Precision::highest: return blas::kCompute32F;
    case Precision::high: return blas::kCompute32FFastTF32;
    case Precision::medium: return blas::kCompute32FFast16BF;
  }
  return blas::kCompute32F;
}

template <class T>
void set_desc(const blas::Api& api, blas::Desc desc, int attribute, const T& value) {
  check_blas(api, api.desc_set(desc, attribute, &value, sizeof value), "cublasLtMatmulDescSetAttribute");
}
template <class T>
void set_layout(const blas::Api& api, blas::Layout layout, int attribute, const T& value) {
  check_blas(api, api.layout_set(layout, attribute, &value, sizeof value), "cublasLtMatrixLayoutSetAttribute");
}
template <class T>
void set_preference(const blas::Api& api, blas::Preference preference, int attribute, const T& value) {
  check_blas(api, api.preference_set(preference, attribute, &value, sizeof value),
             "cublasLtMatmulPreferenceSetAttribute");
}

std::string key_of(const MatmulShape& s, const CompileOptions& options) {
  std::string key;
  for (const i64 number : {static_cast<i64>(s.dtype), s.m, s.n, s.k, i64{s.trans_a}, i64{s.trans_b}, s.batches,
                           s.stride_a, s.stride_b, s.stride_c, i64{s.bias}, i64{s.relu}, i64{s.accumulate}, s.alignment,
                           static_cast<i64>(options.precision), i64{options.deterministic}}) {
    key += std::to_string(number) + " ";
  }
  return key;
}

std::string text_of(const MatmulShape& s) {
  return std::to_string(s.m) + "x" + std::to_string(s.n) + "x" + std::to_string(s.k) +
         (s.batches > 1 ? " (" + std::to_string(s.batches) + " of them)" : "") + " " + std::string(name_of(s.dtype));
}

std::uint32_t epilogue_of(const MatmulShape& s, bool fused) {
  if (!fused) return blas::kEpilogueDefault;
  if (s.bias) return s.relu ? blas::kEpilogueReluBias : blas::kEpilogueBias;
  return s.relu ? blas::kEpilogueRelu : blas::kEpilogueDefault;
}

}  // namespace

MatmulPlan::MatmulPlan(Context& context, const MatmulShape& shape, const CompileOptions& options)
    : context_(context), shape_(shape), tf32_(options.precision != Precision::highest) {
  const blas::Api& api = context.blas();
  const int type = shape.dtype == DType::float64 ? blas::kR64F : blas::kR32F;
  check_blas(api, api.desc_create(&desc_, compute_type(shape.dtype, options.precision), type),
             "cublasLtMatmulDescCreate");
  // Its first operand is B, its second A; memory of a row-major (r, c) matrix is its c x r matrix.
  set_desc(api, desc_, blas::kDescTransA, std::int32_t{shape.trans_b ? blas::kT : blas::kN});
  set_desc(api, desc_, blas::kDescTransB, std::int32_t{shape.trans_a ? blas::kT : blas::kN});
  const auto make = [&](blas::Layout& layout, i64 rows, i64 columns, i64 stride) {
    check_blas(api,
               api.layout_create(&layout, type, static_cast<std::uint64_t>(columns), static_cast<std::uint64_t>(rows),
                                 columns),
               "cublasLtMatrixLayoutCreate");
    if (shape.batches == 1) return;
    set_layout(api, layout, blas::kLayoutBatchCount, static_cast<std::int32_t>(shape.batches));
    set_layout(api, layout, blas::kLayoutStridedBatchOffset, std::int64_t{stride});
  };
  shape.trans_b ? make(b_, shape.n, shape.k, shape.stride_b) : make(b_, shape.k, shape.n, shape.stride_b);
  shape.trans_a ? make(a_, shape.k, shape.m, shape.stride_a) : make(a_, shape.m, shape.k, shape.stride_a);
  make(c_, shape.m, shape.n, shape.stride_c);

  std::shared_ptr<const MatmulAlgorithms>& known = context.matmuls[key_of(shape, options)];
  const auto ask = [&](bool fused) {
    set_desc(api, desc_, blas::kDescEpilogue, epilogue_of(shape, fused));
    // Its alignment is read from it, nothing else; the real one comes with every run.
    if (fused && shape.bias)
      set_desc(api, desc_, blas::kDescBiasPointer, reinterpret_cast<const void*>(shape.alignment));
    auto result = std::make_shared<MatmulAlgorithms>();
    result->fused = fused;
    blas::Preference preference = nullptr;
    check_blas(api, api.preference_create(&preference), "cublasLtMatmulPreferenceCreate");
    const std::unique_ptr<std::remove_pointer_t<blas::Preference>, int (*)(blas::Preference)> owner(
        preference, api.preference_destroy);
    set_preference(api, preference, blas::kPreferenceMaxWorkspace, static_cast<std::size_t>(workspace_limit(context)));
    for (const int attribute : {blas::kPreferenceAlignmentA, blas::kPreferenceAlignmentB, blas::kPreferenceAlignmentC,
                                blas::kPreferenceAlignmentD}) {
      set_preference(api, preference, attribute, static_cast<std::uint32_t>(shape.alignment));
    }
    if (options.deterministic) {
      set_preference(api, preference, blas::kPreferenceReductionMask, blas::kReductionSchemesInFixedOrder);
    }
    std::array<blas::HeuristicResult, kProposals> proposals{};
    int count = 0;
    const int status =
        api.heuristic(context.blas_handle(), desc_, b_, a_, c_, c_, preference, kProposals, proposals.data(), &count);
    if (status != blas::kSuccess && status != blas::kNotSupported)
      check_blas(api, status, "cublasLtMatmulAlgoGetHeuristic");
    if (status == blas::kSuccess) {
      for (int i = 0; i < count; ++i) {
        const blas::HeuristicResult& proposal = proposals[static_cast<std::size_t>(i)];
        // Memory is planned for the best one; those behind it must do with as much.
        const bool fits = result->found.empty() || proposal.workspace_bytes <= result->found[0].workspace_bytes;
        if (proposal.status == blas::kSuccess && fits) result->found.push_back(proposal);
      }
    }
    return result;
  };
  if (!known) {
    std::shared_ptr<MatmulAlgorithms> asked = ask(true);
    // Not every epilogue has a kernel for every product: then bias and activation are a kernel of their own.
    if (asked->found.empty() && (shape.bias || shape.relu)) asked = ask(false);
    if (asked->found.empty()) {
      throw BackendError("cuda: cuBLASLt has no algorithm for the product " + text_of(shape), "compute_failed");
    }
    known = asked;
  }
  algorithms_ = known;
  set_desc(api, desc_, blas::kDescEpilogue, epilogue_of(shape, algorithms_->fused));
  workspace_bytes_ = static_cast<i64>(algorithms_->found[0].workspace_bytes);
}

MatmulPlan::~MatmulPlan() {
  const blas::Api& api = context_.blas();
  for (blas::Layout layout : {a_, b_, c_}) {
    if (layout) api.layout_destroy(layout);
  }
  if (desc_) api.desc_destroy(desc_);
}

std::string MatmulPlan::description() const {
  const bool epilogue = shape_.bias || shape_.relu;
  return "cublasLt " + text_of(shape_) + (tf32_ && shape_.dtype == DType::float32 ? ", tf32 allowed" : "") +
         (!epilogue            ? ""
          : algorithms_->fused ? ", fused epilogue"
                               : ", epilogue by itself");
}

int MatmulPlan::multiply(Stream stream, const void* a, const void* b, void* c, void* workspace) const {
  const float one = 1, zero = 0;
  const double one_wide = 1, zero_wide = 0;
  const bool wide = shape_.dtype == DType::float64;
  const void* alpha = wide ? static_cast<const void*>(&one_wide) : &one;
  const void* beta =
      wide ? static_cast<const void*>(shape_.accumulate ? &one_wide : &zero_wide) : (shape_.accumulate ? &one : &zero);
  const blas::HeuristicResult& algorithm = algorithms_->found[algorithms_->current];
  return context_.blas().matmul(context_.blas_handle(), desc_, alpha, b, b_, a, a_, beta, c, c_, c, c_,
                                &algorithm.algorithm, workspace, algorithm.workspace_bytes, stream);
}

void MatmulPlan::run(Stream stream, const void* a, const void* b, const void* bias, void* c, void* workspace) const {
  const blas::Api& api = context_.blas();
  if (algorithms_->fused && shape_.bias) set_desc(api, desc_, blas::kDescBiasPointer, bias);
  int status = multiply(stream, a, b, c, workspace);
  while (status != blas::kSuccess && algorithms_->current + 1 < algorithms_->found.size()) {
    ++algorithms_->current;
    status = multiply(stream, a, b, c, workspace);
  }
  check_blas(api, status, "cublasLtMatmul of " + text_of(shape_));
  if (!algorithms_->fused && (shape_.bias || shape_.relu)) {
    add_bias(stream, shape_.dtype, shape_.relu, shape_.bias ? bias : nullptr, c, shape_.m, shape_.n);
  }
}

}  // namespace keratin::cuda
