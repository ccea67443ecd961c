#include "tests/house/docs_code.h"

#include <sstream>
#include <stdexcept>

namespace keratin::house {
namespace {

std::string trimmed(std::string_view text) {
  const size_t first = text.find_first_not_of(" \t\r");
  return first == text.npos ? "" : std::string(text.substr(first, text.find_last_not_of(" \t\r") - first + 1));
}

// The lines that start with #include, which must stand outside functions, and the others.
struct Parts {
  std::string includes, body;
};

Parts split(const std::string& code) {
  Parts parts;
  std::istringstream lines(code);
  for (std::string line; std::getline(lines, line);) {
    const bool include = line.starts_with("#include");
    parts.includes += include ? line + "\n" : "";
    parts.body += (include ? "" : line) + "\n";  // an empty line keeps the numbers right
  }
  return parts;
}

}  // namespace

std::vector<CodeBlock> find_code(const std::string& page, std::string_view markdown) {
  std::vector<CodeBlock> blocks;
  std::istringstream lines{std::string(markdown)};
  std::string comment, previous, line;
  int number = 0;
  const auto fail = [&](const std::string& what) {
    throw std::runtime_error(page + ":" + std::to_string(number) + ": " + what);
  };
  while (std::getline(lines, line)) {
    ++number;
    const std::string text = trimmed(line);
    if (text.starts_with("<!--") && text.ends_with("-->")) {
      comment = trimmed(std::string_view(text).substr(4, text.size() - 7));
      continue;
    }
    const bool cpp = text == "```cpp" || text == "```c++";
    if (!cpp) {
      if (text.starts_with("```") && text.find("```", 3) == text.npos) {
        const int start = number;  // another language's block: pass over it, whatever it holds
        while (std::getline(lines, line) && ++number && trimmed(line) != "```") continue;
        if (!lines) number = start, fail("this block is not closed");
      }
      if (!text.empty()) comment.clear();
      continue;
    }

    CodeBlock block;
    block.page = page;
    block.line = number + 1;
    const size_t indent = line.find('`');
    std::string code = "#line " + std::to_string(number + 1) + " \"" + page + "\"\n";
    bool closed = false;
    while (std::getline(lines, line)) {
      ++number;
      closed = trimmed(line) == "```";
      if (closed) break;
      code += (line.size() > indent ? line.substr(indent) : "") + "\n";
    }
    if (!closed) fail("the block of line " + std::to_string(block.line) + " is not closed");
    block.program = code.find("int main(") != code.npos;
    if (comment.starts_with("no-compile:") && comment.size() > 12) {
      block.skipped = true;
    } else if (comment == "run") {
      if (!block.program) fail("only a program (int main) can be run");
      block.run = true;
    } else if (comment == "continues") {
      if (previous.empty()) fail("there is no block before it to continue");
      code = previous + code;
    } else if (comment.starts_with("given:")) {
      code = "#line " + std::to_string(block.line - 2) + " \"" + page + "\"\n" + comment.substr(6) + "\n" + code;
    } else if (comment.starts_with("no-compile")) {
      fail("say why: <!-- no-compile: reason -->");
    }
    if (!block.skipped) previous = code;
    block.code = std::move(code);
    blocks.push_back(std::move(block));
    comment.clear();
  }
  return blocks;
}

std::string wrap_in_functions(const std::vector<CodeBlock>& blocks) {
  std::string includes = "#include <keratin/keratin.h>\n", functions;
  for (size_t i = 0; i < blocks.size(); ++i) {
    if (blocks[i].program || blocks[i].skipped) continue;
    const Parts parts = split(blocks[i].code);
    includes += parts.includes;
    functions += "namespace block" + std::to_string(i) +
                 " {\nusing namespace keratin;\n[[maybe_unused]] void code() {\n" + parts.body + "}\n}\n";
  }
  return includes + functions;
}

}  // namespace keratin::house
