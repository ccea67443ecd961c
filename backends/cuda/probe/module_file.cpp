#include "keratin/backends/cuda/probe/module_file.h"

namespace keratin::probe {

ModuleFile module_file(const std::string& path) { return {path, path.ends_with("cuda12.so") ? 12 : 13}; }

ModuleFile choose_module(const std::vector<std::string>& files, int driver_version) {
  for (const std::string& path : files) {
    if (const ModuleFile file = module_file(path); driver_version >= file.cuda_major * 1000) return file;
  }
  return files.empty() ? ModuleFile{} : module_file(files.front());
}

}  // namespace keratin::probe
