// Kernel translation units are compiled once per instruction set and linked into one library. A weak symbol that two of
// them share would be merged by the linker: code for a newer CPU could end up on the path of an older one.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>
#include "tests/build_paths.h"

namespace {

namespace fs = std::filesystem;

struct Close {
  void operator()(std::FILE* file) const { pclose(file); }
};

std::vector<std::string> lines_of(const std::string& command) {
  std::vector<std::string> lines;
  const std::unique_ptr<std::FILE, Close> pipe(popen(command.c_str(), "r"));
  std::array<char, 65536> buffer;
  while (pipe && std::fgets(buffer.data(), buffer.size(), pipe.get())) lines.emplace_back(buffer.data());
  return lines;
}

std::vector<fs::path> objects_of(const std::string& isa) {
  std::vector<fs::path> objects;
  const fs::path folder = fs::path(KERATIN_BINARY_DIR) / "CMakeFiles" / ("keratin_simd_" + isa + ".dir");
  if (!fs::exists(folder)) return objects;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".o") objects.push_back(entry.path());
  }
  return objects;
}

TEST(Symbols, KernelsDefineOnlyNamesOfTheirInstructionSet) {
  if (std::string(KERATIN_TEST_FLAGS) != "") GTEST_SKIP() << "instrumented builds run on the machine that built them";
  if (lines_of("nm --version 2>/dev/null").empty()) GTEST_SKIP() << "nm is not installed";
  for (const std::string isa : {"baseline", "avx2", "avx512", "bf16_portable", "bf16_avx512", "bf16_amx"}) {
    const std::vector<fs::path> objects = objects_of(isa);
    ASSERT_FALSE(objects.empty()) << "no object files of " << isa << " under " << KERATIN_BINARY_DIR;
    int ours = 0;
    for (const fs::path& object : objects) {
      for (const std::string& line : lines_of("nm --defined-only '" + object.string() + "'")) {
        // "address type name": capital letters and u, v, w are visible to other objects.
        if (line.size() < 20) continue;
        const char type = line[17];
        if ((type < 'A' || type > 'Z') && type != 'u' && type != 'v' && type != 'w') continue;
        const std::string name = line.substr(19);
        // Mangled names carry lengths: keratin::cpu::avx2::x is _ZN7keratin3cpu4avx21xE...
        const std::string ours_in = "7keratin3cpu" + std::to_string(isa.size()) + isa;
        const bool named = name.find(ours_in) != std::string::npos || name.find("Eigen_" + isa) != std::string::npos;
        EXPECT_TRUE(named) << object.filename() << " (" << isa << ") defines " << line;
        ours += named;
      }
    }
    EXPECT_GT(ours, 0);
  }
}

}  // namespace
