#include "tests/modules/cuda_simulator/blas.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "tests/modules/cuda_simulator/simulator.h"

namespace keratin::cuda::blas {

struct HandleOpaque {};
struct DescOpaque {
  int compute = 0, scale = 0;
  std::int32_t trans_a = 0, trans_b = 0;
  std::uint32_t epilogue = kEpilogueDefault;
  const void* bias = nullptr;
};
struct LayoutOpaque {
  int type = 0;
  std::int64_t rows = 0, columns = 0, leading = 0, stride = 0;
  std::int32_t batches = 1;

  std::int64_t element() const { return type == kR64F ? 8 : 4; }
  std::int64_t bytes() const { return (stride * (batches - 1) + leading * (columns - 1) + rows) * element(); }
};
struct PreferenceOpaque {
  std::size_t workspace = 0;
  std::uint32_t reduction_mask = 7, alignment[4] = {256, 256, 256, 256};
};

}  // namespace keratin::cuda::blas

namespace keratin::cuda::simulator {
namespace {

using namespace blas;

constexpr int kInvalid = 7, kFailed = 13;
constexpr std::uint64_t kMagic = 0x5eed;

template <class T>
int read(T& field, const void* value, std::size_t bytes) {
  if (bytes != sizeof field) return broken_rule("an attribute has " + std::to_string(bytes) + " bytes", kInvalid);
  std::memcpy(&field, value, bytes);
  return kSuccess;
}

int desc_set(Desc desc, int attribute, const void* value, std::size_t bytes) {
  switch (attribute) {
    case kDescTransA: return read(desc->trans_a, value, bytes);
    case kDescTransB: return read(desc->trans_b, value, bytes);
    case kDescEpilogue: return read(desc->epilogue, value, bytes);
    case kDescBiasPointer: return read(desc->bias, value, bytes);
    default: return broken_rule("an unknown attribute of a product", kInvalid);
  }
}
int layout_set(Layout layout, int attribute, const void* value, std::size_t bytes) {
  switch (attribute) {
    case kLayoutBatchCount: return read(layout->batches, value, bytes);
    case kLayoutStridedBatchOffset: return read(layout->stride, value, bytes);
    default: return broken_rule("an unknown attribute of a layout", kInvalid);
  }
}
int preference_set(Preference preference, int attribute, const void* value, std::size_t bytes) {
  switch (attribute) {
    case kPreferenceMaxWorkspace: return read(preference->workspace, value, bytes);
    case kPreferenceReductionMask: return read(preference->reduction_mask, value, bytes);
    case kPreferenceAlignmentA: return read(preference->alignment[0], value, bytes);
    case kPreferenceAlignmentB: return read(preference->alignment[1], value, bytes);
    case kPreferenceAlignmentC: return read(preference->alignment[2], value, bytes);
    case kPreferenceAlignmentD: return read(preference->alignment[3], value, bytes);
    default: return broken_rule("an unknown preference", kInvalid);
  }
}

int layout_create(Layout* layout, int type, std::uint64_t rows, std::uint64_t columns, std::int64_t leading) {
  if (leading < static_cast<std::int64_t>(rows)) return broken_rule("a leading dimension below the rows", kInvalid);
  *layout = new LayoutOpaque{.type = type,
                             .rows = static_cast<std::int64_t>(rows),
                             .columns = static_cast<std::int64_t>(columns),
                             .leading = leading};
  return kSuccess;
}

// "" or what does not fit in a product.
std::string fault_of_shapes(const DescOpaque& desc, const LayoutOpaque& a, const LayoutOpaque& b,
                            const LayoutOpaque& c) {
  const bool wide = desc.scale == kR64F;
  for (const LayoutOpaque* layout : {&a, &b, &c}) {
    if (layout->type != desc.scale) return "types of operands and scale differ";
    if (layout->batches != c.batches) return "numbers of batches differ";
  }
  if (wide != (desc.compute == kCompute64F)) return "the compute type is not the operands'";
  const auto rows = [](const LayoutOpaque& l, std::int32_t op) { return op == kT ? l.columns : l.rows; };
  const auto columns = [](const LayoutOpaque& l, std::int32_t op) { return op == kT ? l.rows : l.columns; };
  if (rows(a, desc.trans_a) != c.rows || columns(b, desc.trans_b) != c.columns ||
      columns(a, desc.trans_a) != rows(b, desc.trans_b)) {
    return "sizes of the operands do not fit each other";
  }
  return "";
}

int heuristic(Handle, Desc desc, Layout a, Layout b, Layout c, Layout d, Preference preference, int wanted,
              HeuristicResult* results, int* found) {
  *found = 0;
  if (const std::string wrong = fault_of_shapes(*desc, *a, *b, *c); !wrong.empty()) return broken_rule(wrong, kInvalid);
  if (c != d) return broken_rule("C and D have layouts of their own", kInvalid);
  if (desc->epilogue != kEpilogueDefault && fault("no_epilogue")) return kNotSupported;
  if ((desc->epilogue & kEpilogueBias) && !desc->bias) {
    return broken_rule("the bias must be set before the heuristic is asked: its alignment counts", kInvalid);
  }
  // The first needs workspace, the others less; all remember what they were promised.
  for (int i = 0; i < std::min(wanted, 3); ++i) {
    HeuristicResult& result = results[i];
    result = {};
    result.workspace_bytes = i == 0 ? 4096 : 1024;
    if (result.workspace_bytes > preference->workspace) continue;
    const std::uint32_t alignment = *std::min_element(preference->alignment, preference->alignment + 4);
    result.algorithm.data[0] = kMagic;
    result.algorithm.data[1] = alignment;
    result.algorithm.data[2] = result.workspace_bytes;
    result.algorithm.data[3] = static_cast<std::uint64_t>(i);
    // The bias promises what its address is a multiple of.
    const auto bias = reinterpret_cast<std::uintptr_t>(desc->bias);
    result.algorithm.data[4] = bias == 0 ? 256 : std::min<std::uint64_t>(bias & (~bias + 1), 256);
    ++*found;
  }
  return kSuccess;
}

template <class T>
struct Multiply {
  DescOpaque desc;
  LayoutOpaque la, lb, lc;
  T alpha, beta;
  const T *a, *b;
  T* c;
  const T* bias;

  void operator()() const {
    const bool tf32 = desc.compute == kCompute32FFastTF32;
    const auto operand = [&](T x) { return tf32 ? static_cast<T>(to_tf32(static_cast<float>(x))) : x; };
    const std::int64_t k = desc.trans_a == kT ? la.rows : la.columns;
    std::vector<T> column(static_cast<std::size_t>(lc.rows));
    for (std::int64_t batch = 0; batch < lc.batches; ++batch) {
      for (std::int64_t j = 0; j < lc.columns; ++j) {
        for (std::int64_t i = 0; i < lc.rows; ++i) {
          double sum = 0;
          for (std::int64_t p = 0; p < k; ++p) {
            const T x = a[batch * la.stride + (desc.trans_a == kT ? i * la.leading + p : p * la.leading + i)];
            const T y = b[batch * lb.stride + (desc.trans_b == kT ? p * lb.leading + j : j * lb.leading + p)];
            sum += static_cast<double>(operand(x)) * static_cast<double>(operand(y));
          }
          T& result = c[batch * lc.stride + j * lc.leading + i];
          T value = alpha * static_cast<T>(sum);
          if (beta != T{0}) value += beta * result;  // with 0 C is not read
          if (desc.epilogue & kEpilogueBias) value += bias[i];
          column[static_cast<std::size_t>(i)] = value;
        }
        std::copy(column.begin(), column.end(), c + batch * lc.stride + j * lc.leading);
      }
    }
  }
};

template <class T>
void multiply(const DescOpaque& desc, const void* alpha, const void* a, Layout la, const void* b, Layout lb,
              const void* beta, void* c, Layout lc, Stream stream) {
  enqueue(stream, Multiply<T>{desc, *la, *lb, *lc, *static_cast<const T*>(alpha), *static_cast<const T*>(beta),
                              static_cast<const T*>(a), static_cast<const T*>(b), static_cast<T*>(c),
                              static_cast<const T*>(desc.bias)});
}

int matmul(Handle, Desc desc, const void* alpha, const void* a, Layout la, const void* b, Layout lb, const void* beta,
           const void* c, Layout lc, void* d, Layout, const Algorithm* algorithm, void* workspace,
           std::size_t workspace_bytes, Stream stream) {
  if (algorithm->data[0] != kMagic) return broken_rule("an algorithm that no heuristic proposed", kInvalid);
  if (desc->epilogue != kEpilogueDefault && fault("epilogue_fails")) return kFailed;
  if (in_failed_capture(stream)) return refuse("a product in a failed capture", kFailed);
  std::int64_t failing = -1;
  if (fault("blas_fails", &failing) && static_cast<std::uint64_t>(failing) == algorithm->data[3]) return kFailed;
  std::string wrong = fault_of_shapes(*desc, *la, *lb, *lc);
  const auto alignment = static_cast<std::int64_t>(algorithm->data[1]);
  if (wrong.empty() && c != d) wrong = "C and D differ";
  if (wrong.empty()) wrong = fault_of_operand("A", a, la->bytes(), alignment);
  if (wrong.empty()) wrong = fault_of_operand("B", b, lb->bytes(), alignment);
  if (wrong.empty()) wrong = fault_of_operand("D", d, lc->bytes(), alignment);
  if (wrong.empty() && (desc->epilogue & kEpilogueBias)) {
    wrong = fault_of_operand("the bias", desc->bias, lc->rows * lc->element(),
                             static_cast<std::int64_t>(algorithm->data[4]));
  }
  if (wrong.empty() && workspace_bytes < algorithm->data[2]) wrong = "the workspace is smaller than was asked for";
  if (wrong.empty())
    wrong = fault_of_operand("the workspace", workspace, static_cast<std::int64_t>(workspace_bytes), 256);
  if (!wrong.empty()) return broken_rule(wrong, kInvalid);
  // Kernels are loaded when they are first used.
  if (static bool loaded = false; !std::exchange(loaded, true)) add_overhead(kKernelBytes);
  // Garbage in the workspace is what it will hold.
  enqueue(stream, [=] { std::memset(workspace, 0xff, workspace_bytes); });
  lc->type == kR64F ? multiply<double>(*desc, alpha, a, la, b, lb, beta, d, lc, stream)
                    : multiply<float>(*desc, alpha, a, la, b, lb, beta, d, lc, stream);
  return kSuccess;
}

template <class T>
int destroy(T* object) {
  delete object;
  return kSuccess;
}

}  // namespace

const blas::Api& blas_api() {
  static const Api api = {
      .create =
          [](Handle* handle) {
            *handle = new HandleOpaque;
            add_overhead(kBlasBytes);
            return int{kSuccess};
          },
      .destroy = destroy<HandleOpaque>,
      .version = [] { return std::size_t{130100}; },
      .status_text = [](int) { return last_refusal().c_str(); },
      .desc_create =
          [](Desc* desc, int compute, int scale) {
            *desc = new DescOpaque{.compute = compute, .scale = scale};
            return int{kSuccess};
          },
      .desc_destroy = destroy<DescOpaque>,
      .desc_set = desc_set,
      .layout_create = layout_create,
      .layout_destroy = destroy<LayoutOpaque>,
      .layout_set = layout_set,
      .preference_create =
          [](Preference* preference) {
            *preference = new PreferenceOpaque;
            return int{kSuccess};
          },
      .preference_destroy = destroy<PreferenceOpaque>,
      .preference_set = preference_set,
      .heuristic = heuristic,
      .matmul = matmul,
  };
  return api;
}

}  // namespace keratin::cuda::simulator
