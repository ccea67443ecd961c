// Finds CUDA's libraries (cuBLASLt, cuDNN with its parts, NVRTC) in the usual places and opens none of them.
//
// Order: already loaded, KERATIN_CUDA_PATH, LD_LIBRARY_PATH, next to the module, wheels of the active virtualenv, of
// conda and of the python3 on PATH, toolkit folders, the folders of ldconfig. Open what is found by its absolute path,
// and cuDNN's parts before cuDNN itself: a lone libcudnn.so.9 ends the process in its first call.
#pragma once

#include <string>
#include <vector>

#include "keratin/backends/cuda/probe/system.h"

namespace keratin::probe {

struct LibraryPlace {
  std::string folder;  // without the system's root
  std::string why;     // "KERATIN_CUDA_PATH", "the virtualenv's wheels", ...
};

// A file that was passed over.
struct RejectedLibrary {
  std::string path, why;
};

struct LibrarySearch {
  std::string file;     // what was looked for: "libcudnn.so.9"
  std::string path;     // absolute, to be opened; "" when there is none
  std::string version;  // "9.19.0.56" as far as file names and wheels tell; "" when they do not
  std::string why;      // the place's name
  // cuDNN's parts beside it, absolute, in the order to open them.
  std::vector<std::string> parts;
  // When `path` is "": parts that the best candidate lacks, by file name, and where that candidate is.
  std::vector<std::string> missing_parts;
  std::string incomplete_path;
  // Cut off or unreadable files, and the same library for another major version ("libcudnn.so.8").
  std::vector<RejectedLibrary> rejected;
  std::vector<std::string> other_majors;
  std::vector<LibraryPlace> searched;  // in this order, those that exist

  bool found() const { return !path.empty(); }
  // "libcudnn.so.9 was not found; looked in KERATIN_CUDA_PATH (/opt/x), ..." or what is wrong with the one there is.
  std::string failure() const;
  // The id of doctor's table for a library ("cublas", "cudnn") that cannot be used: it is missing, broken, or there for
  // another major version only.
  std::string cause(const std::string& library) const;
};

struct CudaLibraries {
  LibrarySearch cublas_lt;  // libcublasLt.so.<cuda major>
  LibrarySearch cudnn;      // libcudnn.so.9
  LibrarySearch nvrtc;      // libnvrtc.so.<cuda major>: optional, cuDNN compiles some kernels with it
};

// All folders in which libraries of this CUDA major version are looked for. `module_path` is the backend module's file,
// or "".
std::vector<LibraryPlace> library_places(const System& system, int cuda_major, const std::string& module_path);

// `stem` is "cudnn", "cublasLt" or "nvrtc"; `parts` are file names that must stand beside the library. Other parts of
// it that are there must be whole too.
LibrarySearch find_library(const System& system, const std::string& stem, int major,
                           const std::vector<LibraryPlace>& places, const std::vector<std::string>& parts = {});

CudaLibraries find_cuda_libraries(const System& system, int cuda_major = 13, const std::string& module_path = "");

// The parts that every cuDNN 9 has, by file name, in the order in which they depend on each other.
const std::vector<std::string>& cudnn_parts();

}  // namespace keratin::probe
