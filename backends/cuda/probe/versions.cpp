#include "keratin/backends/cuda/probe/versions.h"

namespace keratin::probe {
namespace {

constexpr VersionRow kRows[] = {
    {"libkeratin_cuda13.so", "13.0 or newer", "580 or newer", "libcublasLt.so.13", "9.8 or newer, for CUDA 13",
     "compute capability 8.0 and newer; 7.5 when built for it"},
    {"libkeratin_cuda12.so", "12.4 to 12.9", "525.60 or newer", "libcublasLt.so.12", "9.8 or newer, for CUDA 12",
     "compute capability 8.0 and newer; 7.5 when built for it"},
};

}  // namespace

std::span<const VersionRow> version_table() { return kRows; }

std::string version_markdown(const std::string& keratin_version) {
  std::string text =
      "| Keratin | Module | CUDA toolkit | Driver | cuBLASLt | cuDNN (optional) | GPUs "
      "|\n|---|---|---|---|---|---|---|\n";
  for (const VersionRow& row : kRows) {
    text += "| " + keratin_version + " | `" + row.module + "` | " + row.toolkit + " | " + row.driver + " | `" +
            row.cublas + "` | " + row.cudnn + " | " + row.gpus + " |\n";
  }
  return text;
}

}  // namespace keratin::probe
