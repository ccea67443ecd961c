// Which versions belong together: Keratin, its modules, CUDA, cuDNN, drivers and GPUs.
#pragma once

#include <span>
#include <string>

namespace keratin::probe {

// The oldest GPUs that are served have compute capability 7.5, Turing: by every module, whatever its toolkit could do.
// CUDA 13 has no code for older ones.
inline constexpr int kLeastCapability = 75;

struct VersionRow {
  const char* module;   // "libkeratin_cuda13.so"
  const char* toolkit;  // it is built with
  const char* driver;   // it needs
  const char* cublas;
  const char* cudnn;
  const char* gpus;
};

std::span<const VersionRow> version_table();

// The rows as a Markdown table, for the documentation and `keratin --version`.
std::string version_markdown(const std::string& keratin_version);

}  // namespace keratin::probe
