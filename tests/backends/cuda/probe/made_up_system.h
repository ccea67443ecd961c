// MadeUpSystem: a machine in a temporary folder, with an environment of its own, for the probe.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "keratin/backends/cuda/probe/system.h"
#include "tests/io/temporary_folder.h"

namespace keratin::testing {

class MadeUpSystem {
 public:
  MadeUpSystem() {
    system.root = folder.path();
    system.env = [this](const std::string& name) {
      const auto found = environment.find(name);
      return found == environment.end() ? std::string() : found->second;
    };
    system.is_set = [this](const std::string& name) { return environment.contains(name); };
    system.may_use = [](const std::string&) { return true; };
    system.open = [this](const std::string& name, std::string& error) -> void* {
      const auto found = libraries.find(name);
      if (found != libraries.end()) return probe::System::host().open(found->second, error);
      if (name.starts_with(system.root + "/")) return probe::System::host().open(name, error);
      error = name + ": cannot open shared object file: No such file or directory";
      return nullptr;
    };
    system.loaded = [this](const std::string& name) {
      const auto found = loaded.find(name);
      return found == loaded.end() ? std::string() : found->second;
    };
  }
  MadeUpSystem(const MadeUpSystem&) = delete;
  MadeUpSystem& operator=(const MadeUpSystem&) = delete;

  void add_file(const std::string& path, const std::string& text = "") {
    std::filesystem::create_directories(std::filesystem::path(folder.path() + path).parent_path());
    write_file(folder.path() + path, text);
  }
  void add_folder(const std::string& path) { std::filesystem::create_directories(folder.path() + path); }
  void add_link(const std::string& path, const std::string& to) {
    std::filesystem::create_directories(std::filesystem::path(folder.path() + path).parent_path());
    std::filesystem::create_symlink(to, folder.path() + path);
  }
  void add_copy(const std::string& path, const std::string& of) {
    std::filesystem::create_directories(std::filesystem::path(folder.path() + path).parent_path());
    std::filesystem::copy_file(of, folder.path() + path);
  }

  TemporaryFolder folder;
  std::map<std::string, std::string> environment;
  std::map<std::string, std::string> libraries;  // what opening this name gives: a file of this machine
  std::map<std::string, std::string> loaded;     // file name to path
  probe::System system;
};

}  // namespace keratin::testing
