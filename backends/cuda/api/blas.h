// cuBLASLt as this backend uses it: a table of its C functions, filled with dlsym in the module and by a simulator in
// the tests. Types and constants are declared here with cuBLASLt's layout and values, so that it is needed at run time
// only; api/check_constants.cpp compares them with the toolkit's headers.
#pragma once

#include <cstddef>
#include <cstdint>

#include "keratin/backends/cuda/api/runtime.h"

namespace keratin::cuda::blas {

enum Status : int { kSuccess = 0, kNotSupported = 15 };
enum DataType : int { kR32F = 0, kR64F = 1 };
enum ComputeType : int { kCompute32F = 68, kCompute64F = 70, kCompute32FFast16BF = 75, kCompute32FFastTF32 = 77 };
enum Operation : std::int32_t { kN = 0, kT = 1 };
enum LayoutAttribute : int { kLayoutBatchCount = 5, kLayoutStridedBatchOffset = 6 };
enum DescAttribute : int { kDescTransA = 3, kDescTransB = 4, kDescEpilogue = 7, kDescBiasPointer = 8 };
enum Epilogue : std::uint32_t { kEpilogueDefault = 1, kEpilogueBias = 4 };
enum PreferenceAttribute : int {
  kPreferenceMaxWorkspace = 1,
  kPreferenceReductionMask = 3,
  kPreferenceAlignmentA = 5,
  kPreferenceAlignmentB = 6,
  kPreferenceAlignmentC = 7,
  kPreferenceAlignmentD = 8,
};
// Split-K sums in place depend on which block comes first; these do not.
inline constexpr std::uint32_t kReductionSchemesInFixedOrder = 2 | 4;  // in the compute type, in the output type

using Handle = struct HandleOpaque*;
using Desc = struct DescOpaque*;
using Layout = struct LayoutOpaque*;
using Preference = struct PreferenceOpaque*;
struct Algorithm {
  std::uint64_t data[8];
};
struct HeuristicResult {
  Algorithm algorithm;
  std::size_t workspace_bytes;
  int status;
  float waves;
  int reserved[4];
};

struct Api {
  int (*create)(Handle*);
  int (*destroy)(Handle);
  std::size_t (*version)();
  const char* (*status_text)(int);
  int (*desc_create)(Desc*, int compute_type, int scale_type);
  int (*desc_destroy)(Desc);
  int (*desc_set)(Desc, int attribute, const void* value, std::size_t bytes);
  int (*layout_create)(Layout*, int type, std::uint64_t rows, std::uint64_t columns, std::int64_t leading_dimension);
  int (*layout_destroy)(Layout);
  int (*layout_set)(Layout, int attribute, const void* value, std::size_t bytes);
  int (*preference_create)(Preference*);
  int (*preference_destroy)(Preference);
  int (*preference_set)(Preference, int attribute, const void* value, std::size_t bytes);
  int (*heuristic)(Handle, Desc, Layout a, Layout b, Layout c, Layout d, Preference, int wanted, HeuristicResult*,
                   int* found);
  int (*matmul)(Handle, Desc, const void* alpha, const void* a, Layout, const void* b, Layout, const void* beta,
                const void* c, Layout, void* d, Layout, const Algorithm*, void* workspace, std::size_t workspace_bytes,
                Stream);
};

}  // namespace keratin::cuda::blas
