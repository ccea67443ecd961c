#include "keratin/backends/cuda/probe/system.h"

#include <dlfcn.h>
#include <link.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace keratin::probe {
namespace {

namespace fs = std::filesystem;

void* open_library(const std::string& name, std::string& error) {
  void* handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) {
    const char* text = dlerror();
    error = text ? text : "unknown error";
  }
  return handle;
}

std::string loaded_library(const std::string& name) {
  void* handle = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NOLOAD);
  if (!handle) return "";
  link_map* map = nullptr;
  std::string path;
  if (dlinfo(handle, RTLD_DI_LINKMAP, &map) == 0 && map && map->l_name) path = map->l_name;
  dlclose(handle);  // gives back the reference that RTLD_NOLOAD took; the library stays
  return path.starts_with('/') ? path : "";
}

}  // namespace

System System::host() {
  System system;
  if (const char* root = std::getenv("KERATIN_DOCTOR_ROOT")) system.root = root;
  system.env = [](const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return std::string(value ? value : "");
  };
  system.is_set = [](const std::string& name) { return std::getenv(name.c_str()) != nullptr; };
  system.may_use = [](const std::string& path) { return access(path.c_str(), R_OK | W_OK) == 0; };
  // With another root, plain names are libraries of that root, as the dynamic linker would find them there.
  system.open = [root = system.root](const std::string& name, std::string& error) {
    const bool plain = name.find('/') == std::string::npos;
    return open_library(plain && !root.empty() ? root + "/usr/lib/x86_64-linux-gnu/" + name : name, error);
  };
  system.loaded = loaded_library;
  return system;
}

bool System::exists(const std::string& path) const {
  std::error_code error;
  return fs::exists(in_root(path), error);
}

std::string System::read(const std::string& path) const {
  std::ifstream file(in_root(path), std::ios::binary);
  std::string text(64 << 10, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(0, file.gcount())));
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return text;
}

std::vector<std::string> System::list(const std::string& folder) const {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(in_root(folder), error), end; !error && entry != end; entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> split_list(const std::string& list, char separator) {
  std::vector<std::string> parts;
  for (std::size_t begin = 0; begin <= list.size();) {
    const std::size_t end = std::min(list.find(separator, begin), list.size());
    if (end > begin) parts.push_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

}  // namespace keratin::probe
