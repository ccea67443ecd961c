#include "keratin/backends/cpu/system_memory.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

namespace keratin::cpu {
namespace {

std::optional<std::int64_t> read_number(const std::string& path) {
  std::ifstream file(path);
  std::int64_t number = 0;
  if (!(file >> number)) return std::nullopt;  // also for "max"
  return number;
}

// Bytes of page cache that the cgroup can give up at once; counted as its usage by the kernel.
std::int64_t reclaimable(const std::string& folder, const std::string& field) {
  std::ifstream file(folder + "/memory.stat");
  std::string name;
  for (std::int64_t bytes = 0; file >> name >> bytes;) {
    if (name == field) return bytes;
  }
  return 0;
}

struct Files {
  const char *limit, *usage, *cache;
};
constexpr Files kVersion2 = {"/memory.max", "/memory.current", "inactive_file"};
constexpr Files kVersion1 = {"/memory.limit_in_bytes", "/memory.usage_in_bytes", "total_inactive_file"};

// Takes the limits of a cgroup and its parents into account.
void tighten(SystemMemory& memory, const std::string& mount, std::string path, const Files& files) {
  while (true) {
    if (!path.empty() && path.back() == '/') path.pop_back();
    const std::string folder = mount + path;
    // Version 1 says "no limit" with a number near 2^63.
    const auto limit = read_number(folder + files.limit);
    if (limit && *limit > 0 && (memory.total == 0 || *limit < memory.total)) memory.total = *limit;
    if (limit && *limit > 0) {
      const std::int64_t used = read_number(folder + files.usage).value_or(0) - reclaimable(folder, files.cache);
      memory.free = std::min(memory.free, std::max<std::int64_t>(*limit - std::max<std::int64_t>(used, 0), 0));
    }
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return;
    path.resize(slash);
  }
}

}  // namespace

SystemMemory system_memory(const std::string& root) {
  SystemMemory memory;
  std::ifstream info(root + "/proc/meminfo");
  for (std::string line; std::getline(info, line);) {
    std::istringstream fields(line);
    std::string name;
    std::int64_t kilobytes = 0;
    if (!(fields >> name >> kilobytes)) continue;
    if (name == "MemTotal:") memory.total = kilobytes * 1024;
    if (name == "MemAvailable:") memory.free = kilobytes * 1024;
  }
  if (memory.total == 0 && root == "/") {  // a sandbox without /proc
    const std::int64_t page = sysconf(_SC_PAGESIZE);
    memory = {.total = sysconf(_SC_PHYS_PAGES) * page, .free = sysconf(_SC_AVPHYS_PAGES) * page};
  }
  std::ifstream groups(root + "/proc/self/cgroup");
  // Lines are "id:controllers:path"; version 2 has no controllers.
  for (std::string line; std::getline(groups, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const std::string path = line.substr(second + 1), base = root + "/sys/fs/cgroup";
    if (controllers == ",,") {
      tighten(memory, base, path, kVersion2);
    } else if (controllers.find(",memory,") != std::string::npos) {
      tighten(memory, base + "/memory", path, kVersion1);
    }
  }
  return memory;
}

std::string cpu_model_name(const std::string& root) {
  std::ifstream info(root + "/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    const std::size_t colon = line.find(':');
    if (!line.starts_with("model name") || colon == std::string::npos) continue;
    const std::size_t text = line.find_first_not_of(" \t", colon + 1);
    if (text != std::string::npos) return line.substr(text);
  }
  return "CPU";
}

}  // namespace keratin::cpu
