// How many CPUs this process may use.
#pragma once

#include <string>
#include <vector>

namespace keratin::cpu {

// The CPUs of the calling thread's affinity mask, in ascending order; empty when the system does not tell.
std::vector<int> affinity_cpus();

// The CPU quota of this process's cgroup and its parents (versions 1 and 2), in CPUs, or 0 when unlimited.
// `root` is the root of the file system; tests pass a folder of their own.
double cgroup_cpus(const std::string& root = "/");

// The smallest of hardware threads, affinity mask and quota (rounded up); at least 1.
int usable_cpus();

}  // namespace keratin::cpu
