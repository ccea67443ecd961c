#include "tests/house/source_rules.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <regex>
#include <set>
#include <sstream>

namespace keratin::house {
namespace {

using Names = std::vector<std::string_view>;

// A room and the rooms below it that it may include. A path belongs to the first row it starts with.
struct Room {
  std::string_view path;
  Names below;
};

const std::vector<Room>& rooms() {
  static const Names core_library = {"core/tensor",   "core/graph", "core/ops",     "core/runtime",
                                     "core/compiler", "core/model", "core/training"};
  static const Names under_backend = {"core/tensor", "core/graph", "core/ops", "core/runtime"};
  static const Names under_io = {"core", "layers"};
  static const Names under_program = {"core", "layers", "io", "keratin.h"};
  static const Names everything = {"core", "layers", "io", "tools", "backends", "keratin.h"};
  static const auto core_below = [](size_t n) {
    return Names(core_library.begin(), core_library.begin() + static_cast<std::ptrdiff_t>(n));
  };
  static const std::vector<Room> table = {
      {"core/tensor", {}},
      {"core/graph", core_below(1)},
      {"core/ops", core_below(2)},
      {"core/runtime", core_below(2)},
      {"core/compiler", core_below(4)},
      {"core/model", core_below(5)},
      {"core/training", core_below(6)},
      {"layers", core_library},
      {"io", under_io},
      {"tools", {"core", "layers", "io", "keratin.h", "backends/cuda/probe"}},
      {"backends/cpu", under_backend},
      {"backends/cuda/probe", {"core/tensor", "core/runtime"}},
      {"backends/cuda", under_backend},
      {"backends/reference", under_backend},
      {"keratin.h", {"core", "layers", "io"}},
      {"examples", under_program},
      {"benchmarks", everything},
      {"tests/consumer", {"keratin.h"}},
      {"tests", everything},
  };
  return table;
}

// A library and the only places it may be named. A place is a path prefix; "*.cpp" adds "in source files and detail/".
struct Library {
  std::string_view name;
  std::regex header;
  Names places;
  bool only_private;
};

const std::vector<Library>& libraries() {
  static const Names programs = {"tests", "benchmarks", "examples"};
  static const auto with_tests = [](Names places) {
    places.insert(places.end(), programs.begin(), programs.end());
    return places;
  };
  static const std::vector<Library> table = {
      {"Eigen", std::regex("(unsupported/)?Eigen/.*"), with_tests({"backends/cpu"}), false},
      {"x86 intrinsics", std::regex("(immintrin|x86intrin|cpuid|xmmintrin|emmintrin|pmmintrin)\\.h"),
       with_tests({"backends/cpu"}), false},
      {"HDF5", std::regex("(hdf5|H5.*)\\.h"), with_tests({"io"}), true},
      {"nlohmann_json", std::regex("nlohmann/.*"), with_tests({"io", "tools"}), true},
      {"libzip", std::regex("zip(conf)?\\.h"), with_tests({"io"}), true},
      {"zlib", std::regex("z(lib|conf)\\.h"), with_tests({"io"}), true},
      {"CUDA",
       std::regex("(cuda|cublas|cudnn|curand|cusolver|cusparse|nvrtc|nvml|driver_types|vector_types|cub/|thrust/|"
                  "cooperative_groups).*"),
       {"backends/cuda"},
       false},
      {"CLI11", std::regex("CLI/.*"), with_tests({"tools"}), false},
      {"fmt", std::regex("fmt/.*"), with_tests({"core", "layers", "io", "tools", "backends"}), true},
      {"GoogleTest", std::regex("g(test|mock)/.*"), {"tests"}, false},
      {"Google Benchmark", std::regex("benchmark/.*"), {"benchmarks"}, false},
      {"LibTorch", std::regex("(torch|ATen|c10)/.*"), {"benchmarks"}, false},
      {"oneDNN", std::regex("dnnl.*"), {"benchmarks"}, false},
      {"the sanitizers", std::regex("sanitizer/.*"), {"tests"}, false},
      {"the system",
       std::regex("(stdlib|stdio|string|time|sys|linux|arpa|netinet|malloc|dlfcn|elf|fcntl|getopt|glob|link|poll|"
                  "pthread|pwd|sched|"
                  "signal|spawn|strings|syscall|termios|unistd|execinfo|cxxabi|ucontext)(/.*)?(\\.h)?"),
       with_tests({"core", "layers", "io", "tools", "backends"}), true},
  };
  return table;
}

bool is_standard(const std::string& header) {
  static const std::set<std::string, std::less<>> names = [] {
    std::istringstream list(
        "algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv chrono cinttypes "
        "climits clocale cmath codecvt compare complex concepts condition_variable coroutine csetjmp csignal cstdarg "
        "cstddef cstdint cstdio cstdlib cstring ctime cuchar cwchar cwctype deque exception execution filesystem "
        "format forward_list fstream functional future initializer_list iomanip ios iosfwd iostream istream iterator "
        "latch limits list locale map memory memory_resource mutex new numbers numeric optional ostream queue random "
        "ranges ratio regex scoped_allocator semaphore set shared_mutex source_location span sstream stack stdexcept "
        "stop_token streambuf string string_view syncstream system_error thread tuple type_traits typeindex typeinfo "
        "unordered_map unordered_set utility valarray variant vector version");
    return std::set<std::string, std::less<>>(std::istream_iterator<std::string>(list), {});
  }();
  return names.contains(header);
}

bool inside(std::string_view path, std::string_view place) {
  return path == place || (path.starts_with(place) && path[place.size()] == '/');
}
bool inside_any(std::string_view path, const Names& places) {
  return std::any_of(places.begin(), places.end(), [&](std::string_view place) { return inside(path, place); });
}
bool is_header(std::string_view path) { return path.ends_with(".h"); }
bool is_detail(std::string_view path) { return path.find("/detail/") != std::string_view::npos; }
// What is installed and what users may include.
bool is_public(std::string_view path) {
  return is_header(path) && !is_detail(path) && inside_any(path, {"core", "layers", "io", "keratin.h"});
}

const Room* room_of(std::string_view path) {
  for (const Room& room : rooms())
    if (inside(path, room.path)) return &room;
  return nullptr;
}

bool is_directive(const std::string& line) {
  const size_t first = line.find_first_not_of(' ');
  return first != std::string::npos && line[first] == '#';
}

// The same lines with comments and the insides of string literals left out.
std::vector<std::string> code_lines(std::string_view text) {
  std::vector<std::string> lines(1);
  enum { code, line_comment, block_comment, quoted, raw } state = code;
  char quote = '"';
  std::string raw_end;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i], next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (c == '\n') {
      if (state != block_comment && state != raw) state = code;
      lines.emplace_back();
    } else if (state == code && c == '/' && (next == '/' || next == '*')) {
      state = next == '/' ? line_comment : block_comment;
      ++i;
    } else if (state == block_comment && c == '*' && next == '/') {
      state = code;
      ++i;
    } else if (state == raw) {
      if (text.substr(i).starts_with(raw_end)) state = code, i += raw_end.size() - 1;
    } else if (state == code && c == 'R' && next == '"' && text.find('(', i) != text.npos) {
      raw_end.assign(")").append(text.substr(i + 2, text.find('(', i) - i - 2)).append("\"");
      state = raw;
      i += raw_end.size();
    } else if (state == code) {
      const bool digit_separator = c == '\'' && i > 0 && std::isxdigit(static_cast<unsigned char>(text[i - 1]));
      if ((c == '"' || c == '\'') && !digit_separator) state = quoted, quote = c;
      lines.back() += c;
    } else if (state == quoted) {
      if (c == '\\') {
        ++i;
      } else if (c == quote) {
        state = code;
        lines.back() += c;
      } else if (is_directive(lines.back())) {
        lines.back() += c;
      }
    }
  }
  return lines;
}

struct Include {
  std::string header;
  bool quoted;
};

bool parse_include(const std::string& line, Include& include) {
  static const std::regex pattern(R"re(\s*#\s*include\s*(["<])([^">]+)[">].*)re");
  std::smatch match;
  if (!std::regex_match(line, match, pattern)) return false;
  include = {match[2], match[1] == "\""};
  return true;
}

// What is wrong with this include in this file; empty when it is fine.
std::string check_own(const std::string& path, const Room& room, const std::string& target) {
  if (is_public(path) && is_detail(target)) return "a public header includes a private one, " + target;
  if (path == "keratin.h" && !is_public(target)) return "keratin.h includes " + target + ", which is not public";
  if (inside(target, room.path) || inside_any(target, room.below)) return "";
  return std::string(room.path) + " must not include " + target + ": the arrows point down, and this room sees only " +
         [&] {
           std::string list;
           for (std::string_view name : room.below) list += (list.empty() ? "" : ", ") + std::string(name);
           return list.empty() ? std::string("itself") : list;
         }();
}

std::string check_include(const std::string& path, const Room& room, const Include& include) {
  const std::string& header = include.header;
  if (header.starts_with("keratin/")) {
    const bool for_users = inside_any(path, {"examples", "tests/consumer"});
    if (!include.quoted && !for_users) return "write \"" + header + "\" in quotes";
    return check_own(path, room, header.substr(8));
  }
  if (header.starts_with("tests/"))
    return inside_any(path, {"tests", "benchmarks"}) && include.quoted ? "" : "only tests include " + header;
  if (include.quoted && inside_any(path, {"examples", "benchmarks"}) && header.find('/') == std::string::npos)
    return "";
  if (include.quoted) return "write the whole path, \"keratin/<room>/...\", instead of \"" + header + "\"";
  if (is_standard(header)) return "";
  for (const Library& library : libraries()) {
    if (!std::regex_match(header, library.header)) continue;
    if (inside(path, "backends/cuda/probe") && library.name == "CUDA") return "the probe is built without the toolkit";
    if (!inside_any(path, library.places))
      return "<" + header + "> (" + std::string(library.name) + ") does not belong here";
    if (library.only_private && is_public(path))
      return "<" + header + "> in a public header: users would need " + std::string(library.name);
    return "";
  }
  return "<" + header + "> is neither a standard header nor a library this project uses";
}

}  // namespace

Violations check_source(const std::string& path, std::string_view text) {
  Violations found;
  const auto report = [&](size_t line, const std::string& what) {
    if (!what.empty()) found.push_back(path + ":" + std::to_string(line) + ": " + what);
  };
  const Room* room = room_of(path);
  if (!room) return {path + ":1: this folder is no room; add it to the table in tests/house/source_rules.cpp"};

  static const std::regex using_namespace(R"(\s*using\s+namespace\b.*)");
  const std::vector<std::string> lines = code_lines(text);
  bool once = false;
  for (size_t i = 0; i < lines.size(); ++i) {
    Include include;
    once = once || lines[i].starts_with("#pragma once");
    if (parse_include(lines[i], include)) report(i + 1, check_include(path, *room, include));
    if (is_header(path) && std::regex_match(lines[i], using_namespace)) report(i + 1, "using namespace in a header");
  }
  if (is_header(path) && !once) report(1, "a header needs #pragma once");
  if (is_header(path) && !text.starts_with("//")) report(1, "a header opens with a comment that says what it is");
  return found;
}

std::map<std::string, std::string> read_sources(const std::string& repository) {
  namespace fs = std::filesystem;
  std::map<std::string, std::string> sources;
  const auto add = [&](const fs::path& file) {
    std::ifstream stream(file, std::ios::binary);
    std::string text((std::istreambuf_iterator<char>(stream)), {});
    sources[fs::relative(file, repository).generic_string()] = std::move(text);
  };
  for (const char* folder : {"core", "layers", "io", "tools", "backends", "examples", "benchmarks", "tests"}) {
    if (!fs::exists(fs::path(repository) / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(fs::path(repository) / folder)) {
      const fs::path extension = entry.path().extension();
      if (entry.is_regular_file() && (extension == ".h" || extension == ".cpp" || extension == ".cu"))
        add(entry.path());
    }
  }
  add(fs::path(repository) / "keratin.h");
  return sources;
}

Violations find_cycles(const std::map<std::string, std::string>& sources) {
  Violations found;
  enum Mark { unseen, open, done };
  std::map<std::string, Mark> marks;
  std::vector<std::string> trail;
  const std::function<void(const std::string&)> visit = [&](const std::string& path) {
    marks[path] = open;
    trail.push_back(path);
    for (const std::string& line : code_lines(sources.at(path))) {
      Include include;
      if (!parse_include(line, include) || !include.header.starts_with("keratin/")) continue;
      const std::string target = include.header.substr(8);
      if (!sources.contains(target)) continue;
      if (marks[target] == unseen) visit(target);
      if (marks[target] != open) continue;
      std::string circle;
      for (auto at = std::find(trail.begin(), trail.end(), target); at != trail.end(); ++at) circle += *at + " -> ";
      found.push_back(circle + target);
    }
    trail.pop_back();
    marks[path] = done;
  };
  for (const auto& [path, text] : sources)
    if (is_header(path) && marks[path] == unseen) visit(path);
  return found;
}

}  // namespace keratin::house
