// The house rules a program can check: who may include whom, and what a header looks like. docs/architecture.md tells
// why.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace keratin::house {

// One broken rule, as a compiler would print it: "core/ops/matmul.h:12: ...".
using Violations = std::vector<std::string>;

// Checks one file. `path` is relative to the repository, e.g. "core/ops/matmul.h"; `text` is what it holds.
Violations check_source(const std::string& path, std::string_view text);

// Every .h and .cpp of the repository, path to text.
std::map<std::string, std::string> read_sources(const std::string& repository);

// Headers that include each other in a circle (#pragma once hides it until someone reorders two lines).
Violations find_cycles(const std::map<std::string, std::string>& sources);

}  // namespace keratin::house
