// Every source file keeps the house rules, and the checker does find what breaks them.
#include "tests/house/source_rules.h"

#include <gtest/gtest.h>

#include <string>
#include "tests/build_paths.h"

namespace keratin::house {
namespace {

std::string joined(const Violations& violations) {
  std::string text;
  for (const std::string& line : violations) text += line + "\n";
  return text;
}

TEST(SourceRules, EverySourceFileKeepsThem) {
  const auto sources = read_sources(KERATIN_SOURCE_DIR);
  ASSERT_GT(sources.size(), 10u);
  for (const auto& [path, text] : sources) EXPECT_EQ(joined(check_source(path, text)), "");
}

TEST(SourceRules, NoHeadersIncludeEachOther) { EXPECT_EQ(joined(find_cycles(read_sources(KERATIN_SOURCE_DIR))), ""); }

std::string header(const std::string& body) { return "// A header.\n#pragma once\n" + body; }

struct Case {
  const char* path;
  const char* line;
  const char* complaint;  // part of the message; empty when the line is allowed
};

class SourceRulesTable : public testing::TestWithParam<Case> {};

TEST_P(SourceRulesTable, MadeUpFile) {
  const Case& c = GetParam();
  const std::string found = joined(check_source(c.path, header(c.line)));
  if (*c.complaint) {
    EXPECT_NE(found.find(c.complaint), std::string::npos) << "found: " << found;
    EXPECT_EQ(found.find(std::string(c.path) + ":3: "), 0u) << found;
  } else {
    EXPECT_EQ(found, "");
  }
}

INSTANTIATE_TEST_SUITE_P(
    Includes, SourceRulesTable,
    testing::Values(
        Case{"core/ops/matmul.h", "#include \"keratin/core/graph/value.h\"", ""},
        Case{"core/ops/matmul.h", "#include \"keratin/core/compiler/plan.h\"", "the arrows point down"},
        Case{"core/ops/matmul.h", "#include \"keratin/core/runtime/backend.h\"", "the arrows point down"},
        Case{"core/runtime/backend.h", "#include \"keratin/core/ops/matmul.h\"", "the arrows point down"},
        Case{"core/tensor/tensor.h", "#include \"keratin/core/graph/value.h\"", "sees only itself"},
        Case{"core/training/model.cpp", "#include \"keratin/layers/dense.h\"", "the arrows point down"},
        Case{"core/training/model.cpp", "#include \"keratin/keratin.h\"", "the arrows point down"},
        Case{"layers/core/dense.cpp", "#include \"keratin/io/save.h\"", "the arrows point down"},
        Case{"io/save.cpp", "#include \"keratin/layers/core/dense.h\"", ""},
        Case{"backends/cpu/matmul.cpp", "#include \"keratin/core/ops/matmul.h\"", ""},
        Case{"backends/cpu/matmul.cpp", "#include \"keratin/core/compiler/plan.h\"", "the arrows point down"},
        Case{"backends/cpu/matmul.cpp", "#include \"keratin/backends/reference/matmul.h\"", "the arrows point down"},
        Case{"core/training/fit.h", "#include \"keratin/core/training/detail/loop.h\"", "a private one"},
        Case{"core/training/fit.cpp", "#include \"keratin/core/training/detail/loop.h\"", ""},
        Case{"keratin.h", "#include \"keratin/io/detail/npy.h\"", "a private one"},
        Case{"core/tensor/shape.h", "#include \"dtype.h\"", "write the whole path"},
        Case{"core/tensor/shape.h", "#include <keratin/core/tensor/dtype.h>", "in quotes"},
        Case{"core/tensor/shape.h", "#include \"tests/support/check.h\"", "only tests include"},
        Case{"examples/mnist_cnn.cpp", "#include <keratin/keratin.h>", ""},
        Case{"tests/consumer/main.cpp", "#include <keratin/core/tensor/tensor.h>", "must not include"}));

INSTANTIATE_TEST_SUITE_P(
    Libraries, SourceRulesTable,
    testing::Values(Case{"core/tensor/shape.h", "#include <vector>", ""},
                    Case{"core/tensor/shape.h", "#include <stdlib.h>", "in a public header"},
                    Case{"core/tensor/shape.cpp", "#include <boost/any.hpp>", "neither a standard header"},
                    Case{"backends/cpu/simd/gemm.h", "#include <Eigen/Core>", ""},
                    Case{"core/ops/matmul.cpp", "#include <Eigen/Core>", "does not belong here"},
                    Case{"io/hdf5.cpp", "#include <hdf5.h>", ""}, Case{"io/detail/hdf5.h", "#include <hdf5.h>", ""},
                    Case{"io/hdf5.h", "#include <hdf5.h>", "in a public header"},
                    Case{"core/training/fit.h", "#include <fmt/format.h>", "in a public header"},
                    Case{"core/training/fit.h", "#include <unistd.h>", "in a public header"},
                    Case{"core/training/fit.cpp", "#include <unistd.h>", ""},
                    Case{"core/training/fit.cpp", "#include <zlib.h>", "does not belong here"},
                    Case{"backends/cpu/pool.cpp", "#include <cuda_runtime.h>", "does not belong here"},
                    Case{"backends/cuda/probe/driver.cpp", "#include <cuda.h>", "without the toolkit"},
                    Case{"layers/core/dense.cpp", "#include <gtest/gtest.h>", "does not belong here"}));

INSTANTIATE_TEST_SUITE_P(Text, SourceRulesTable,
                         testing::Values(Case{"layers/core/dense.h", "using namespace std;", "using namespace"},
                                         Case{"layers/core/dense.h", "// using namespace std;", ""},
                                         Case{"layers/core/dense.h", "/*\n#include \"dense.h\"\n*/", ""},
                                         Case{"io/a.cpp", "auto s = R\"x(\n#include \"a.h\"\n)x\"; // \"", ""},
                                         Case{"io/a.cpp", "auto s = R\"(\")\";\n", ""},
                                         Case{"layers/core/dense.cpp", "using namespace std;", ""}));

TEST(SourceRules, HeaderNeedsGuardAndOpeningComment) {
  EXPECT_EQ(joined(check_source("io/save.h", "// Saves.\nvoid save();\n")),
            "io/save.h:1: a header needs #pragma once\n");
  EXPECT_NE(joined(check_source("io/save.h", "#pragma once\n")).find("opens with a comment"), std::string::npos);
}

TEST(SourceRules, UnknownFolderIsReported) {
  EXPECT_NE(joined(check_source("misc/a.h", header(""))).find("is no room"), std::string::npos);
}

TEST(SourceRules, CycleIsFound) {
  const Violations found = find_cycles({{"io/a.h", header("#include \"keratin/io/b.h\"\n")},
                                        {"io/b.h", header("#include \"keratin/io/c.h\"\n")},
                                        {"io/c.h", header("#include \"keratin/io/b.h\"\n")}});
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0], "io/b.h -> io/c.h -> io/b.h");
}

}  // namespace
}  // namespace keratin::house
