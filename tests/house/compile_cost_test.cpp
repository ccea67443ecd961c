// What <keratin/keratin.h> costs a user's build, against the standard headers a program needs anyway.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>

#include "tests/build_paths.h"
#include "tests/house/command.h"

namespace keratin::house {
namespace {

// What keeps it low: special members and constructors of what users write not inline, few kinds of std::function,
// std::map, std::optional and std::pair in public headers, and nothing that only backends need.
constexpr double kLimit = 1.7;

// What a program with tensors, options, callbacks and printing includes without us.
constexpr const char* kPlain = R"(
#include <any>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <iostream>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

int main() { std::cout << "hello\n"; }
)";

struct Cost {
  double megabytes = 0;  // that GCC allocates: for equal sources always the same, and it grows with its work
  double seconds = 0;    // of the processor, the least of several runs
};

Cost cost_of(const std::filesystem::path& file) {
  Cost cost;
  const std::string include = "-I" KERATIN_INCLUDE_DIR;
  const auto compile = [&](const std::string& option) {
    const CommandResult result = run_command(
        {KERATIN_CXX_COMPILER, "-std=c++20", "-O0", "-c", option, include, file.string(), "-o", "/dev/null"},
        {{"CCACHE_DISABLE", "1"}, {"LC_ALL", "C"}});
    EXPECT_EQ(result.status, 0) << result.output;
    return result;
  };
  const std::string report = compile("-ftime-report").output;
  std::smatch total;
  if (std::regex_search(report, total, std::regex(R"( TOTAL +:.* (\d+)M\n)"))) cost.megabytes = std::stod(total[1]);
  for (int i = 0; i < 3; ++i) {
    const double seconds = compile("-w").user_seconds;
    cost.seconds = i == 0 ? seconds : std::min(cost.seconds, seconds);
  }
  return cost;
}

// Times are printed only: they depend on what else the machine does.
TEST(SlowCompileCost, HelloWorldAgainstStandardHeaders) {
  const std::filesystem::path folder = std::filesystem::path(KERATIN_BINARY_DIR) / "compile_cost";
  std::filesystem::create_directories(folder);
  std::ofstream(folder / "plain.cpp") << kPlain;
  std::ofstream(folder / "hello.cpp") << std::ifstream(KERATIN_SOURCE_DIR "/tests/consumer/main.cpp").rdbuf();
  const Cost plain = cost_of(folder / "plain.cpp"), hello = cost_of(folder / "hello.cpp");
  const double ratio = hello.megabytes / plain.megabytes;
  std::cout << "hello world " << hello.megabytes << " MB and " << hello.seconds << " s, plain standard headers "
            << plain.megabytes << " MB and " << plain.seconds << " s: ratios " << ratio << " (at most " << kLimit
            << ") and " << hello.seconds / plain.seconds << "\n";
  if (plain.megabytes == 0 || hello.megabytes == 0) GTEST_SKIP() << "only GCC reports what it allocates";
  EXPECT_LE(ratio, kLimit);
}

}  // namespace
}  // namespace keratin::house
