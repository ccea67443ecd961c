// Asks cuBLASLt and cuDNN for what they are. For child processes: an incomplete cuDNN ends the process that asks it.
#pragma once

#include "keratin/backends/cuda/probe/library_search.h"

namespace keratin::probe {

// Plain data: it is filled in memory shared with another process.
struct CublasReport {
  char stage[40];
  char error[512];  // why it could not be opened
  long version;     // 130100
};

struct CudnnReport {
  char stage[40];
  char error[512];    // the part that could not be opened, and why
  long version;       // 91900
  int cuda;           // the CUDA it was built with: 13010
  long max_device;    // compute capability it knows, 1210
  int checks[4];      // what the version checks of graph, ops, cnn and adv give; -1: not called
  char foreign[512];  // a part that was loaded from another folder
};

CublasReport empty_cublas_report();
CudnnReport empty_cudnn_report();

void ask_cublas(const System& system, const LibrarySearch& found, CublasReport& report);
void ask_cudnn(const System& system, const LibrarySearch& found, CudnnReport& report);

// The oldest that is used: 9.8, the first that makes plans for a described device, with which the graphs were checked.
inline constexpr long kOldestCudnn = 90800;

// 91900 -> "9.19.0", 130100 -> "13.1.0", 13010 (CUDA) -> "13.1"
std::string cudnn_version_text(long version);
std::string cublas_version_text(long version);
std::string cuda_version_text(int version);

}  // namespace keratin::probe
