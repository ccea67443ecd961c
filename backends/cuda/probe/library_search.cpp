#include "keratin/backends/cuda/probe/library_search.h"

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "keratin/core/runtime/detail/shared_object.h"

namespace keratin::probe {
namespace {

namespace fs = std::filesystem;

// Newest first: python3.12 before python3.9.
std::vector<std::string> by_version(std::vector<std::string> names) {
  std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
    return a.size() != b.size() ? a.size() > b.size() : a > b;
  });
  return names;
}

std::string folder_of(const std::string& path) { return fs::path(path).parent_path().string(); }

// Gathers folders that exist, each once, in order.
class Places {
 public:
  explicit Places(const System& system, int cuda_major) : system_(system), cuda_(std::to_string(cuda_major)) {}

  void add(const std::string& folder, const std::string& why) {
    // A relative folder would mean the current directory; stubs only look like libraries.
    if (!folder.starts_with('/') || folder.find("/stubs") != std::string::npos) return;
    const std::string clean = fs::path(folder).lexically_normal().string();
    const std::string name = clean.size() > 1 && clean.ends_with('/') ? clean.substr(0, clean.size() - 1) : clean;
    std::error_code error;
    if (!fs::is_directory(system_.in_root(name), error)) return;
    const auto same = [&](const LibraryPlace& place) { return place.folder == name; };
    if (std::none_of(places_.begin(), places_.end(), same)) places_.push_back({name, why});
  }
  // site-packages: the wheels for CUDA 13 share nvidia/cu13/lib, older ones have a folder for each library.
  void add_wheels(const std::string& site_packages, const std::string& why) {
    const std::string nvidia = site_packages + "/nvidia/";
    for (const char* part : {"cudnn", "cublas", "cuda_nvrtc"}) add(nvidia + part + "/lib", why);
    add(nvidia + "cu" + cuda_ + "/lib", why);
  }
  // The prefix of a Python: lib/python3.*/site-packages, newest first.
  void add_python(const std::string& prefix, const std::string& why) {
    for (const std::string lib : {"/lib", "/lib64"}) {
      for (const std::string& name : by_version(system_.list(prefix + lib))) {
        if (!name.starts_with("python3")) continue;
        for (const char* packages : {"/site-packages", "/dist-packages"}) {
          add_wheels(prefix + lib + "/" + name + packages, why);
        }
      }
    }
  }
  // A toolkit or any folder a user may name: the libraries' own folder, a toolkit's root, or site-packages.
  void add_any(const std::string& folder, const std::string& why) {
    add(folder, why);
    for (const char* lib : {"/lib64", "/lib", "/targets/x86_64-linux/lib"}) add(folder + lib, why);
    add_wheels(folder, why);
    add_python(folder, why);
  }
  std::vector<LibraryPlace> take() { return std::move(places_); }

 private:
  const System& system_;
  std::string cuda_;
  std::vector<LibraryPlace> places_;
};

void add_python_on_path(const System& system, Places& places) {
  for (const std::string& folder : split_list(system.env("PATH"))) {
    if (!folder.starts_with('/') || !system.exists(folder + "/python3")) continue;
    const std::string why = "the wheels of " + folder + "/python3";
    places.add_python(folder_of(folder), why);
    // A virtualenv's python3 is a link to the one it was made with, and its prefix is its own.
    std::error_code error;
    const std::string real = fs::canonical(system.in_root(folder + "/python3"), error).string();
    if (!error && real.starts_with(system.root)) {
      places.add_python(folder_of(folder_of(real.substr(system.root.size()))), why);
    }
    break;
  }
  if (const std::string home = system.env("HOME"); !home.empty()) {
    places.add_python(home + "/.local", "the user's wheels");
  }
}

// The folders ldconfig reads, then those of the dynamic linker itself.
void add_ldconfig(const System& system, Places& places) {
  std::vector<std::string> files = {"/etc/ld.so.conf"};
  for (const std::string& name : system.list("/etc/ld.so.conf.d")) {
    if (name.ends_with(".conf")) files.push_back("/etc/ld.so.conf.d/" + name);
  }
  for (const std::string& file : files) {
    for (const std::string& line : split_list(system.read(file), '\n')) places.add(line, "ldconfig");
  }
  for (const char* folder : {"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu",
                             "/usr/lib/aarch64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"}) {
    places.add(folder, "ldconfig");
  }
}

// The version in the name of the file a link leads to: libcudnn.so.9 -> libcudnn.so.9.19.0 gives "9.19.0".
std::string version_of_file(const std::string& path, const std::string& file) {
  std::error_code error;
  const std::string real = fs::canonical(path, error).filename().string();
  const std::string stem = file.substr(0, file.find(".so.") + 4);
  if (error || !real.starts_with(stem)) return "";
  const std::string version = real.substr(stem.size());
  return version.find('.') == std::string::npos ? "" : version;
}

// A wheel tells its version in the folder beside it: nvidia_cudnn_cu13-9.19.0.56.dist-info.
std::string version_of_wheel(const std::string& path, const std::string& stem) {
  const fs::path site_packages = fs::path(path).parent_path().parent_path().parent_path().parent_path();
  std::string lower = stem == "cublasLt" ? "cublas" : stem == "nvrtc" ? "cuda_nvrtc" : stem;
  std::error_code error;
  for (fs::directory_iterator entry(site_packages, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const std::size_t dash = name.find('-');
    if (!name.starts_with("nvidia_" + lower) || !name.ends_with(".dist-info") || dash == std::string::npos) continue;
    return name.substr(dash + 1, name.size() - dash - 1 - std::string(".dist-info").size());
  }
  return "";
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

// Parts that only newer versions have (9.28 has libcudnn_engines_tensor_ir.so.9): the library opens them itself, and
// says when one is missing; what is there must be whole.
std::vector<std::string> further_parts(const std::string& folder, const std::string& stem, const std::string& file,
                                       const std::vector<std::string>& known) {
  std::vector<std::string> names;
  if (known.empty()) return names;
  const std::string prefix = "lib" + stem + "_", suffix = file.substr(file.find(".so."));
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!name.starts_with(prefix) || !name.ends_with(suffix)) continue;
    if (std::find(known.begin(), known.end(), name) == known.end()) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

// Looks at one candidate; true when it is complete.
bool consider(const System& system, const std::string& stem, const std::string& folder, const std::string& why,
              const std::vector<std::string>& parts, LibrarySearch& search) {
  const std::string path = system.in_root(folder + "/" + search.file);
  std::error_code error;
  if (!fs::exists(fs::symlink_status(path, error))) return false;
  if (const std::string fault = detail::fault_of_shared_object(path); !fault.empty()) {
    search.rejected.push_back({path, fault});
    return false;
  }
  std::vector<std::string> present, missing;
  // cuDNN looks for its parts beside the file itself, not beside a link to it.
  const std::string real = fs::canonical(path, error).string();
  const std::string folder_of_parts = folder_of(error ? path : real);
  for (const std::string& part : parts) {
    const std::string beside = folder_of_parts + "/" + part;
    const std::string fault = fs::exists(beside, error) ? detail::fault_of_shared_object(beside) : "it is missing";
    if (fault.empty()) {
      present.push_back(beside);
    } else {
      missing.push_back(part);
      if (fault != "it is missing") search.rejected.push_back({beside, fault});
    }
  }
  for (const std::string& part : further_parts(folder_of_parts, stem, search.file, parts)) {
    const std::string beside = folder_of_parts + "/" + part, fault = detail::fault_of_shared_object(beside);
    if (fault.empty()) continue;
    missing.push_back(part);
    search.rejected.push_back({beside, fault});
  }
  if (!missing.empty()) {
    if (search.incomplete_path.empty()) {
      search.incomplete_path = path;
      search.missing_parts = missing;
    }
    return false;
  }
  search.path = path;
  search.why = why;
  search.parts = present;
  search.version = version_of_file(path, search.file);
  if (search.version.empty()) search.version = version_of_wheel(real, stem);
  return true;
}

}  // namespace

std::vector<LibraryPlace> library_places(const System& system, int cuda_major, const std::string& module_path) {
  Places places(system, cuda_major);
  for (const std::string& folder : split_list(system.env("KERATIN_CUDA_PATH"))) {
    places.add_any(folder, "KERATIN_CUDA_PATH");
  }
  for (const std::string& folder : split_list(system.env("LD_LIBRARY_PATH"))) places.add(folder, "LD_LIBRARY_PATH");
  if (!module_path.empty()) {
    const std::string folder = folder_of(module_path);
    places.add(folder, "next to the backend module");
    places.add_wheels(folder + "/../..", "next to the backend module");
  }
  if (const std::string env = system.env("VIRTUAL_ENV"); !env.empty())
    places.add_python(env, "the virtualenv's wheels");
  if (const std::string conda = system.env("CONDA_PREFIX"); !conda.empty()) {
    places.add(conda + "/lib", "the conda environment");
    places.add(conda + "/targets/x86_64-linux/lib", "the conda environment");
    places.add_python(conda, "the conda environment's wheels");
  }
  add_python_on_path(system, places);
  for (const char* name : {"CUDA_HOME", "CUDA_PATH"}) {
    if (const std::string folder = system.env(name); !folder.empty()) places.add_any(folder, name);
  }
  places.add_any("/usr/local/cuda", "the CUDA toolkit");
  const std::string prefix = "cuda-" + std::to_string(cuda_major);
  for (const std::string& name : by_version(system.list("/usr/local"))) {
    if (name.starts_with(prefix)) places.add_any("/usr/local/" + name, "the CUDA toolkit");
  }
  places.add_any("/opt/cuda", "the CUDA toolkit");
  add_ldconfig(system, places);
  return places.take();
}

LibrarySearch find_library(const System& system, const std::string& stem, int major,
                           const std::vector<LibraryPlace>& places, const std::vector<std::string>& parts) {
  LibrarySearch search;
  search.file = "lib" + stem + ".so." + std::to_string(major);
  search.searched = places;
  if (const std::string path = system.loaded(search.file); !path.empty()) {
    const std::string folder = folder_of(path);
    if (system.root.empty() || !folder.starts_with(system.root)) {
      System plain = system;
      plain.root.clear();
      if (consider(plain, stem, folder, "already loaded", parts, search)) return search;
    } else if (consider(system, stem, folder.substr(system.root.size()), "already loaded", parts, search)) {
      return search;
    }
  }
  for (const LibraryPlace& place : places) {
    if (consider(system, stem, place.folder, place.why, parts, search)) {
      search.missing_parts.clear();
      search.incomplete_path.clear();
      return search;
    }
  }
  const std::string prefix = "lib" + stem + ".so.";
  for (const LibraryPlace& place : places) {
    for (const std::string& name : system.list(place.folder)) {
      const std::string number = name.starts_with(prefix) ? name.substr(prefix.size()) : "";
      const bool plain = !number.empty() && std::all_of(number.begin(), number.end(),
                                                        [](unsigned char c) { return std::isdigit(c) != 0; });
      if (plain && number != std::to_string(major)) {
        search.other_majors.push_back(system.in_root(place.folder + "/" + name));
      }
    }
  }
  return search;
}

CudaLibraries find_cuda_libraries(const System& system, int cuda_major, const std::string& module_path) {
  const std::vector<LibraryPlace> places = library_places(system, cuda_major, module_path);
  return {find_library(system, "cublasLt", cuda_major, places), find_library(system, "cudnn", 9, places, cudnn_parts()),
          find_library(system, "nvrtc", cuda_major, places)};
}

const std::vector<std::string>& cudnn_parts() {
  static const std::vector<std::string> parts = {
      "libcudnn_graph.so.9",
      "libcudnn_ops.so.9",
      "libcudnn_cnn.so.9",
      "libcudnn_adv.so.9",
      "libcudnn_heuristic.so.9",
      "libcudnn_engines_precompiled.so.9",
      "libcudnn_engines_runtime_compiled.so.9",
  };
  return parts;
}

std::string LibrarySearch::cause(const std::string& library) const {
  if (found() || !incomplete_path.empty() || !rejected.empty()) return library + "_broken";
  return other_majors.empty() ? library + "_missing" : "library_wrong_major";
}

std::string LibrarySearch::failure() const {
  if (found()) return "";
  if (!incomplete_path.empty()) {
    std::string text = incomplete_path + " lacks " + joined(missing_parts) + ", which must stand beside it";
    for (const RejectedLibrary& part : rejected) {
      const std::string name = fs::path(part.path).filename().string();
      if (std::find(missing_parts.begin(), missing_parts.end(), name) == missing_parts.end()) continue;
      text += "; of " + name + ": " + part.why;
    }
    return text;
  }
  if (!rejected.empty()) return rejected.front().path + " cannot be used: " + rejected.front().why;
  if (!other_majors.empty()) return "only another major version was found, not " + file + ": " + joined(other_majors);
  std::string text = file + " was not found; looked in ";
  std::string last;
  for (const LibraryPlace& place : searched) {
    text += (last.empty()        ? ""
             : place.why == last ? ", "
                                 : "), ") +
            (place.why == last ? "" : place.why + " (") + place.folder;
    last = place.why;
  }
  return text + (last.empty() ? "no folder at all" : ")");
}

}  // namespace keratin::probe
