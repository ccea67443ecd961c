#include "keratin/backends/cpu/cpu_count.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <sstream>
#include <thread>

#ifdef __linux__
#include <sched.h>
#endif

namespace keratin::cpu {
namespace {

// The smaller of two quotas, where 0 means unlimited.
double tighter(double a, double b) { return a <= 0 ? b : b <= 0 ? a : std::min(a, b); }

// Calls f for `path` and each of its parents up to "".
template <class F>
double over_parents(std::string path, F&& f) {
  double result = 0;
  while (true) {
    if (!path.empty() && path.back() == '/') path.pop_back();
    result = tighter(result, f(path));
    const std::size_t slash = path.rfind('/');
    if (slash == std::string::npos) return result;
    path.resize(slash);
  }
}

double quota_v2(const std::string& folder) {
  std::ifstream file(folder + "/cpu.max");
  std::string quota;
  double period = 0;
  if (!(file >> quota >> period) || quota == "max" || period <= 0) return 0;
  return std::atof(quota.c_str()) / period;
}

double quota_v1(const std::string& folder) {
  double quota = 0, period = 0;
  std::ifstream quota_file(folder + "/cpu.cfs_quota_us"), period_file(folder + "/cpu.cfs_period_us");
  if (!(quota_file >> quota) || !(period_file >> period) || quota <= 0 || period <= 0) return 0;
  return quota / period;
}

}  // namespace

std::vector<int> affinity_cpus() {
  std::vector<int> cpus;
#ifdef __linux__
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) == 0) {
    for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
      if (CPU_ISSET(cpu, &set)) cpus.push_back(cpu);
    }
  }
#endif
  return cpus;
}

double cgroup_cpus(const std::string& root) {
  std::ifstream file(root + "/proc/self/cgroup");
  double result = 0;
  // Lines are "id:controllers:path"; version 2 has no controllers. Inside a container the path may name a folder that
  // is mounted as the root, which is why the walk to the parents ends with the mount point itself.
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find(':'), second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    const std::string base = root + "/sys/fs/cgroup";
    if (controllers.empty()) {
      result = tighter(result, over_parents(path, [&](const std::string& p) { return quota_v2(base + p); }));
      continue;
    }
    std::istringstream names(controllers);
    for (std::string name; std::getline(names, name, ',');) {
      if (name != "cpu") continue;
      for (const std::string& mount : {std::string("cpu"), controllers}) {
        result =
            tighter(result, over_parents(path, [&](const std::string& p) { return quota_v1(base + "/" + mount + p); }));
      }
    }
  }
  return result;
}

int usable_cpus() {
  int cpus = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  if (const std::size_t mask = affinity_cpus().size(); mask > 0) cpus = std::min(cpus, static_cast<int>(mask));
  if (const double quota = cgroup_cpus(); quota > 0) cpus = std::min(cpus, static_cast<int>(std::ceil(quota)));
  return std::max(cpus, 1);
}

}  // namespace keratin::cpu
