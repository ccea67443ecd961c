// The C++ code in Markdown pages, made into programs a compiler can check.
//
// A ```cpp block with `int main` is a program; any other is the inside of a function that has
// `#include <keratin/keratin.h>` and `using namespace keratin;` before it. A comment on the line before the block says
// more:
//   <!-- no-compile: reason -->   leave it out
//   <!-- run -->                  a program: also link it and run it
//   <!-- continues -->            the code of the block before (on the same page) comes first
//   <!-- given: CODE -->          CODE comes first, e.g. given: Tensor x({8, 4}), y({8, 1});
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace keratin::house {

struct CodeBlock {
  std::string page;      // "docs/tour.md"
  int line = 0;          // of the first line of code
  std::string code;      // with what continues and given put before it, and #line directives
  bool program = false;  // has a main function
  bool run = false;
  bool skipped = false;
};

// Throws std::runtime_error for a block that is not closed or a comment of the wrong form.
std::vector<CodeBlock> find_code(const std::string& page, std::string_view markdown);

// All blocks that are no programs as one translation unit, each in a function of its own.
std::string wrap_in_functions(const std::vector<CodeBlock>& blocks);

}  // namespace keratin::house
