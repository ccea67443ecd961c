#include "keratin/backends/cuda/matmul_plan.h"

#include <array>
#include <utility>

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

}  // namespace

MatmulPlan::MatmulPlan(Context& context, const MatmulShape& shape, const CompileOptions& options)
    : context_(context),
      shape_(shape),
      deterministic_(options.deterministic),
      tf32_(options.precision != Precision::highest) {
  try {
    make(options);
  } catch (...) {
    release();
    throw;
  }
}

void MatmulPlan::make(const CompileOptions& options) {
  const MatmulShape& shape = shape_;
  const blas::Api& api = context_.blas();
  const int type = shape.dtype == DType::float64 ? blas::kR64F : blas::kR32F;
  check_blas(api, api.desc_create(&desc_, compute_type(shape.dtype, options.precision), type),
             "cublasLtMatmulDescCreate");
  // Its first operand is B, its second A; memory of a row-major (r, c) matrix is its c x r matrix.
  set_desc(api, desc_, blas::kDescTransA, std::int32_t{shape.trans_b ? blas::kT : blas::kN});
  set_desc(api, desc_, blas::kDescTransB, std::int32_t{shape.trans_a ? blas::kT : blas::kN});
  const auto lay_out = [&](blas::Layout& layout, i64 rows, i64 columns, i64 stride) {
    check_blas(api,
               api.layout_create(&layout, type, static_cast<std::uint64_t>(columns), static_cast<std::uint64_t>(rows),
                                 columns),
               "cublasLtMatrixLayoutCreate");
    if (shape.batches == 1) return;
    set_layout(api, layout, blas::kLayoutBatchCount, static_cast<std::int32_t>(shape.batches));
    set_layout(api, layout, blas::kLayoutStridedBatchOffset, std::int64_t{stride});
  };
  shape.trans_b ? lay_out(b_, shape.n, shape.k, shape.stride_b) : lay_out(b_, shape.k, shape.n, shape.stride_b);
  shape.trans_a ? lay_out(a_, shape.k, shape.m, shape.stride_a) : lay_out(a_, shape.m, shape.k, shape.stride_a);
  lay_out(c_, shape.m, shape.n, shape.stride_c);

  std::shared_ptr<MatmulAlgorithms>& known = context_.matmuls[key_of(shape, options)];
  if (!known) {
    // cuBLASLt's relu is max(x, 0), which makes 0 of NaN. Where there is one, it and the bias are a kernel of ours.
    MatmulAlgorithms asked = propose(shape.bias && !shape.relu, workspace_limit(context_));
    // Not every product has a kernel that adds the bias.
    if (asked.found.empty() && asked.fused) asked = propose(false, workspace_limit(context_));
    if (asked.found.empty()) {
      throw BackendError("cuda: cuBLASLt has no algorithm for the product " + text_of(shape), "compute_failed");
    }
    known = std::make_shared<MatmulAlgorithms>(std::move(asked));
  }
  algorithms_ = known;
  set_epilogue(algorithms_->fused);
  workspace_bytes_ = static_cast<i64>(algorithms_->found[0].workspace_bytes);
}

void MatmulPlan::set_epilogue(bool fused) const {
  set_desc(context_.blas(), desc_, blas::kDescEpilogue,
           std::uint32_t{fused ? blas::kEpilogueBias : blas::kEpilogueDefault});
  desc_is_fused_ = fused;
}

MatmulAlgorithms MatmulPlan::propose(bool fused, i64 workspace_limit) const {
  const blas::Api& api = context_.blas();
  set_epilogue(fused);
  // Its alignment is read from it, nothing else; the real one comes with every run.
  if (fused) set_desc(api, desc_, blas::kDescBiasPointer, reinterpret_cast<const void*>(shape_.alignment));
  MatmulAlgorithms result{.fused = fused};
  blas::Preference preference = nullptr;
  check_blas(api, api.preference_create(&preference), "cublasLtMatmulPreferenceCreate");
  const std::unique_ptr<std::remove_pointer_t<blas::Preference>, int (*)(blas::Preference)> owner(
      preference, api.preference_destroy);
  set_preference(api, preference, blas::kPreferenceMaxWorkspace, static_cast<std::size_t>(workspace_limit));
  for (const int attribute : {blas::kPreferenceAlignmentA, blas::kPreferenceAlignmentB, blas::kPreferenceAlignmentC,
                              blas::kPreferenceAlignmentD}) {
    set_preference(api, preference, attribute, static_cast<std::uint32_t>(shape_.alignment));
  }
  if (deterministic_) {
    set_preference(api, preference, blas::kPreferenceReductionMask, blas::kReductionSchemesInFixedOrder);
  }
  std::array<blas::HeuristicResult, kProposals> proposals{};
  int count = 0;
  const int status =
      api.heuristic(context_.blas_handle(), desc_, b_, a_, c_, c_, preference, kProposals, proposals.data(), &count);
  if (status != blas::kSuccess) {
    // With an epilogue any answer but yes is a no: the product can do without.
    if (status != blas::kNotSupported && !fused) check_blas(api, status, "cublasLtMatmulAlgoGetHeuristic");
    return result;
  }
  for (int i = 0; i < count; ++i) {
    const blas::HeuristicResult& proposal = proposals[static_cast<std::size_t>(i)];
    // Memory is planned for the best one; those behind it must do with as much.
    const bool fits = result.found.empty() || proposal.workspace_bytes <= result.found[0].workspace_bytes;
    if (proposal.status == blas::kSuccess && fits) result.found.push_back(proposal);
  }
  return result;
}

MatmulPlan::~MatmulPlan() { release(); }

void MatmulPlan::release() {
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
                               : ", epilogue by itself") +
         (algorithms_->current > 0 ? ", proposal " + std::to_string(algorithms_->current + 1) : "");
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

// The next proposal; after the last one with an epilogue those without, in the memory that is planned.
bool MatmulPlan::next_algorithm() const {
  if (algorithms_->current + 1 < algorithms_->found.size()) {
    ++algorithms_->current;
    return true;
  }
  if (!algorithms_->fused) return false;
  MatmulAlgorithms plain = propose(false, workspace_bytes_);
  if (plain.found.empty()) return false;
  *algorithms_ = std::move(plain);
  return true;
}

void MatmulPlan::run(Stream stream, const void* a, const void* b, const void* bias, void* c, void* workspace) const {
  const auto multiply_once = [&] {
    if (desc_is_fused_ != algorithms_->fused) set_epilogue(algorithms_->fused);  // another plan may have moved on
    if (algorithms_->fused) set_desc(context_.blas(), desc_, blas::kDescBiasPointer, bias);
    return multiply(stream, a, b, c, workspace);
  };
  int status = multiply_once();
  while (status != blas::kSuccess && !context_.capturing && next_algorithm()) status = multiply_once();
  check_blas(context_.blas(), status, "cublasLtMatmul of " + text_of(shape_));
  if (!algorithms_->fused && (shape_.bias || shape_.relu)) {
    add_bias(stream, shape_.dtype, shape_.relu, shape_.bias ? bias : nullptr, c, shape_.m, shape_.n);
  }
}

}  // namespace keratin::cuda
