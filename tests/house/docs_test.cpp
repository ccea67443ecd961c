// The documentation's code compiles, its complete programs run, and its links lead somewhere.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>

#include "tests/build_paths.h"
#include "tests/house/command.h"
#include "tests/house/docs_code.h"

namespace keratin::house {
namespace {

namespace fs = std::filesystem;
using Command = std::vector<std::string>;

// README.md, CONTRIBUTING.md and docs/**/*.md, path to text.
std::map<std::string, std::string> read_pages() {
  std::map<std::string, std::string> pages;
  const fs::path root = KERATIN_SOURCE_DIR;
  const auto add = [&](const fs::path& file) {
    std::ifstream stream(file);
    pages[fs::relative(file, root).generic_string()] = std::string(std::istreambuf_iterator<char>(stream), {});
  };
  for (const auto& entry : fs::directory_iterator(root))
    if (entry.path().extension() == ".md") add(entry.path());
  if (fs::exists(root / "docs"))
    for (const auto& entry : fs::recursive_directory_iterator(root / "docs"))
      if (entry.path().extension() == ".md") add(entry.path());
  return pages;
}

fs::path work_folder() {
  const fs::path folder = fs::path(KERATIN_BINARY_DIR) / "docs_code";
  fs::create_directories(folder);
  return folder;
}

fs::path write(const std::string& name, const std::string& text) {
  std::ofstream(work_folder() / name) << text;
  return work_folder() / name;
}

// KERATIN_TEST_FLAGS: the sanitizers of this build, if any.
Command compiler(const Command& more) {
  Command command = {KERATIN_CXX_COMPILER, "-std=c++20", "-O0", "-I" KERATIN_INCLUDE_DIR};
  std::istringstream flags(KERATIN_TEST_FLAGS);
  for (std::string flag; flags >> flag;) command.push_back(flag);
  command.insert(command.end(), more.begin(), more.end());
  return command;
}

std::vector<CodeBlock> all_blocks() {
  std::vector<CodeBlock> all;
  for (const auto& [page, text] : read_pages())
    for (CodeBlock& block : find_code(page, text)) all.push_back(std::move(block));
  return all;
}

TEST(Docs, SnippetsCompile) {
  const fs::path file = write("snippets.cpp", wrap_in_functions(all_blocks()));
  const CommandResult result = run_command(compiler({"-fsyntax-only", file.string()}));
  EXPECT_EQ(result.status, 0) << result.output;
}

TEST(Docs, ProgramsCompile) {
  for (const CodeBlock& block : all_blocks()) {
    if (!block.program || block.skipped || block.run) continue;
    const fs::path file = write("program.cpp", block.code);
    const CommandResult result = run_command(compiler({"-fsyntax-only", file.string()}));
    EXPECT_EQ(result.status, 0) << result.output;
  }
}

TEST(Docs, MarkedProgramsRun) {
  const fs::path library = KERATIN_LIBRARY;
  if (library.extension() == ".a") GTEST_SKIP() << "linked against the shared library only";
  for (const CodeBlock& block : all_blocks()) {
    if (!block.run) continue;
    const fs::path file = write("run.cpp", block.code), program = work_folder() / "run";
    const CommandResult built = run_command(compiler(
        {file.string(), "-o", program.string(), library.string(), "-Wl,-rpath," + library.parent_path().string()}));
    ASSERT_EQ(built.status, 0) << built.output;
    const CommandResult ran = run_command({"env", "--chdir=" + work_folder().string(), program.string()});
    EXPECT_EQ(ran.status, 0) << block.page << ":" << block.line << ": " << ran.output;
  }
}

TEST(Docs, LinksLeadToFiles) {
  const std::regex link(R"(\]\(([^)#\s]+)(#[^)]*)?\))");
  for (const auto& [page, text] : read_pages()) {
    for (std::sregex_iterator at(text.begin(), text.end(), link), end; at != end; ++at) {
      const std::string target = (*at)[1];
      if (target.find("://") != target.npos || target.starts_with("mailto:")) continue;
      const fs::path path = fs::path(KERATIN_SOURCE_DIR) / fs::path(page).parent_path() / target;
      EXPECT_TRUE(fs::exists(path)) << page << " links to " << target << ", which does not exist";
    }
  }
}

TEST(DocsCode, BlocksAreFoundWithTheirPlace) {
  const auto blocks =
      find_code("a.md",
                "# Title\n```cpp\nint a;\n```\ntext\n```sh\n```cpp is not this\n```\n"
                "<!-- run -->\n```cpp\nint main() {}\n```\n<!-- no-compile: old -->\n```cpp\nint c\n```\n");
  ASSERT_EQ(blocks.size(), 3u);
  EXPECT_EQ(blocks[0].line, 3);
  EXPECT_EQ(blocks[0].code, "#line 3 \"a.md\"\nint a;\n");
  EXPECT_FALSE(blocks[0].program);
  EXPECT_TRUE(blocks[1].program && blocks[1].run);
  EXPECT_TRUE(blocks[2].skipped);
}

TEST(DocsCode, ContinuesAndGivenPutCodeBefore) {
  const auto blocks = find_code("a.md",
                                "```cpp\nint a;\n```\nand then\n<!-- continues -->\n```cpp\na = 1;\n```\n"
                                "<!-- given: int b; -->\n```cpp\nb = 1;\n```\n");
  ASSERT_EQ(blocks.size(), 3u);
  EXPECT_NE(blocks[1].code.find("int a;\n#line 7"), std::string::npos) << blocks[1].code;
  EXPECT_NE(blocks[2].code.find("int b;\n#line 11"), std::string::npos) << blocks[2].code;
}

TEST(DocsCode, BadBlocksAreReported) {
  EXPECT_THROW(find_code("a.md", "```cpp\nint a;\n"), std::runtime_error);
  EXPECT_THROW(find_code("a.md", "```sh\nls\n"), std::runtime_error);
  EXPECT_THROW(find_code("a.md", "<!-- no-compile -->\n```cpp\nint a;\n```\n"), std::runtime_error);
  EXPECT_THROW(find_code("a.md", "<!-- continues -->\n```cpp\nint a;\n```\n"), std::runtime_error);
  EXPECT_THROW(find_code("a.md", "<!-- run -->\n```cpp\nint a;\n```\n"), std::runtime_error);
}

TEST(DocsCode, WrongCodeIsFoundWithPageAndLine) {
  const auto blocks =
      find_code("page.md", "text\n```cpp\n#include <vector>\nstd::vector<int> v;\nv.no_such_member();\n```\n");
  const fs::path file = write("wrong.cpp", wrap_in_functions(blocks));
  const CommandResult result = run_command(compiler({"-fsyntax-only", file.string()}));
  EXPECT_NE(result.status, 0);
  EXPECT_NE(result.output.find("page.md:5:"), std::string::npos) << result.output;
}

TEST(RunCommand, StatusOutputAndEnvironment) {
  const CommandResult result = run_command({"sh", "-c", "echo $GREETING; echo err >&2; exit 3"}, {{"GREETING", "hi"}});
  EXPECT_EQ(result.status, 3);
  EXPECT_EQ(result.output, "hi\nerr\n");
  EXPECT_EQ(run_command({"no-such-program-here"}).status, 127);
}

}  // namespace
}  // namespace keratin::house
