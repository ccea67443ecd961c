// The causes: every reason for which a GPU cannot be used, with an id, a sentence and what to do about it. The program,
// the errors' cause ids and docs/why_is_my_gpu_not_used.md all come from this one table.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "keratin/backends/cuda/probe/system.h"

namespace keratin::probe {

// Kinds of systems with instructions of their own.
enum class SystemKind { docker, wsl, conda, pip, debian, ubuntu };

struct Cause {
  const char* id;
  const char* sentence;
  const char* seen_by;  // how it is recognised
  // What to do; where a system has no words of its own, the general ones hold. Words in braces depend on the CUDA major
  // version and on what is known of the machine: `fix_for` puts them in.
  const char* fix;
  const char* docker = "";
  const char* wsl = "";
  const char* conda = "";
  const char* pip = "";
  const char* debian = "";
  const char* ubuntu = "";  // where it differs from Debian

  const char* fix_on(SystemKind kind) const;  // "" when it has no words of its own
};

// In the order in which they are looked for; the last is "none".
std::span<const Cause> causes();
// Null for an id that is not in the table.
const Cause* find_cause(std::string_view id);

// What this machine is, most telling first; several may hold.
std::vector<SystemKind> system_kinds(const System& system);
// What a fix names instead of saying where to find it.
struct KnownWords {
  std::string kernel_driver = {};   // "580.82.07"; "" when it is not known
  std::set<int> capabilities = {};  // 90 for 9.0: of the GPUs that a module can be built for
};
// The fix of the first of these kinds that has words of its own, else the general one, for the module of this CUDA
// major version; "" for an unknown id.
std::string fix_for(std::string_view id, const std::vector<SystemKind>& kinds, int cuda_major,
                    const KnownWords& known = {});
std::string_view name_of(SystemKind kind);

// The table as a page of the documentation.
std::string causes_page();

}  // namespace keratin::probe
