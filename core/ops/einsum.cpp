#include "keratin/core/ops/einsum.h"

#include <algorithm>
#include <map>

#include "keratin/core/ops/matmul.h"
#include "keratin/core/ops/reduce.h"
#include "keratin/core/ops/shaping.h"
#include "keratin/core/tensor/errors.h"

namespace keratin::ops {
namespace {

bool has(const std::string& letters, char letter) { return letters.find(letter) != std::string::npos; }

[[noreturn]] void fail(const std::string& equation, const std::string& why) {
  throw InvalidArgument("einsum: '" + equation + "': " + why);
}

// A term with a character for each of `rank` axes: those of "..." become 1, 2, ..., the last axis first.
std::string letters_of(const std::string& equation, const std::string& term, int rank) {
  const std::size_t dots = term.find("...");
  const int named = static_cast<int>(term.size()) - (dots == std::string::npos ? 0 : 3);
  if (dots == std::string::npos ? named != rank : named > rank) {
    fail(equation, "'" + term + "' does not fit an operand of " + std::to_string(rank) + " axes");
  }
  std::string letters = term;
  if (dots != std::string::npos) {
    std::string elided;
    for (int i = rank - named; i > 0; --i) elided += static_cast<char>(i);
    letters.replace(dots, 3, elided);
  }
  return letters;
}

void check_letters(const std::string& equation, std::string letters) {
  for (char c : letters) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (!letter && (c < 1 || c > 16)) fail(equation, "expected letters, '...', one ',' and '->'");
  }
  std::sort(letters.begin(), letters.end());
  if (std::adjacent_find(letters.begin(), letters.end()) != letters.end()) {
    fail(equation, "a letter must not be there twice in one term");
  }
}

// An operand and the letters of its axes.
struct Operand {
  Value value;
  std::string letters;

  // The sum over the axes that nobody else has.
  void sum_all_but(const std::string& kept) {
    std::vector<int> axes;
    std::string rest;
    for (std::size_t i = 0; i < letters.size(); ++i) {
      if (has(kept, letters[i])) {
        rest += letters[i];
      } else {
        axes.push_back(static_cast<int>(i));
      }
    }
    if (!axes.empty()) value = sum(value, axes);
    letters = rest;
  }

  void reorder(const std::string& order) {
    if (order == letters) return;
    std::vector<int> axes;
    for (char letter : order) axes.push_back(static_cast<int>(letters.find(letter)));
    value = transpose(value, axes);
    letters = order;
  }
};

}  // namespace

Value einsum(const std::string& equation, Value first, Value second) {
  std::string text = equation;
  text.erase(std::remove(text.begin(), text.end(), ' '), text.end());
  const std::size_t comma = text.find(','), arrow = text.find("->");
  if (comma == std::string::npos || arrow == std::string::npos || comma > arrow) {
    fail(equation, "expected two operands and a result, as in 'abc,cd->abd'");
  }
  Operand a{first, letters_of(equation, text.substr(0, comma), first.rank())};
  Operand b{second, letters_of(equation, text.substr(comma + 1, arrow - comma - 1), second.rank())};
  std::string result = text.substr(arrow + 2);
  if (const std::size_t dots = result.find("..."); dots != std::string::npos) {
    std::string elided;
    for (char i = 16; i > 0; --i) {
      if (has(a.letters, i) || has(b.letters, i)) elided += i;
    }
    result.replace(dots, 3, elided);
  }
  for (const std::string* letters : {&a.letters, &b.letters, &result}) check_letters(equation, *letters);
  std::map<char, std::int64_t> sizes;
  for (const Operand* operand : {&a, &b}) {
    for (std::size_t i = 0; i < operand->letters.size(); ++i) {
      const std::int64_t size = operand->value.shape()[static_cast<int>(i)];
      if (sizes.emplace(operand->letters[i], size).first->second != size) {
        fail(equation, "an axis has different sizes in operands of shapes " + first.shape().to_string() + " and " +
                           second.shape().to_string());
      }
    }
  }
  a.sum_all_but(b.letters + result);
  b.sum_all_but(a.letters + result);

  // (both..., of a..., summed...) times (both..., summed..., of b...).
  std::string both, of_a, of_b, summed;
  for (char letter : result) {
    const bool in_a = has(a.letters, letter), in_b = has(b.letters, letter);
    if (!in_a && !in_b) fail(equation, "the result has a letter that no operand has");
    (in_a && in_b ? both : in_a ? of_a : of_b) += letter;
  }
  for (char letter : b.letters) {
    if (has(a.letters, letter) && !has(result, letter)) summed += letter;
  }
  a.reorder(both + of_a + summed);
  b.reorder(both + summed + of_b);
  const auto size_of = [&](const std::string& letters) {
    std::int64_t size = 1;
    for (char letter : letters) size *= sizes.at(letter);
    return size;
  };
  Shape left{size_of(of_a), size_of(summed)}, right{size_of(summed), size_of(of_b)};
  if (!both.empty()) {
    left = Shape{size_of(both)}.concat(left);
    right = Shape{size_of(both)}.concat(right);
  }
  Operand c{matmul(reshape(a.value, left), reshape(b.value, right)), both + of_a + of_b};
  Shape shape;
  for (char letter : c.letters) shape.push_back(sizes.at(letter));
  c.value = reshape(c.value, shape);
  c.reorder(result);
  return c.value;
}

}  // namespace keratin::ops
