// System: the machine as the probe sees it. Tests put another root folder, environment and dynamic linker in its place.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace keratin::probe {

struct System {
  // Put before every absolute path that is looked at: /proc, /sys, /dev, /etc and the folders of libraries.
  std::string root;
  // The variable's value; "" when it is not set or empty, which is told apart by `is_set`.
  std::function<std::string(const std::string& name)> env;
  std::function<bool(const std::string& name)> is_set;
  // Whether this user may read and write a file that exists.
  std::function<bool(const std::string& path)> may_use;
  // dlopen(RTLD_NOW | RTLD_LOCAL) of a path or a plain file name; null with a reason when that fails.
  std::function<void*(const std::string& name, std::string& error)> open;
  // The absolute path of a library of this file name that the process has loaded already, or "".
  std::function<std::string(const std::string& name)> loaded;

  // The machine itself. KERATIN_DOCTOR_ROOT, for tests of whole programs, names another root folder.
  static System host();

  std::string in_root(const std::string& path) const { return root + path; }
  bool exists(const std::string& path) const;
  // The file's text without trailing white space, at most 64 KiB; "" when it cannot be read.
  std::string read(const std::string& path) const;
  // Names in the folder, sorted; empty when there is none.
  std::vector<std::string> list(const std::string& folder) const;
};

// The parts of a list like PATH, without empty ones.
std::vector<std::string> split_list(const std::string& list, char separator = ':');

}  // namespace keratin::probe
