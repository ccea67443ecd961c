// A page of SVG and what charts on it share: colours, texts, round numbers for axes.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace keratin::detail {

// Positions in pixels, x to the right, y down.
class SvgPage {
 public:
  // `title` heads the page and names it for screen readers.
  SvgPage(double width, double height, std::string_view title);

  enum class Anchor { start, middle, end };
  // kind: a class of the style sheet: "title", "heading", "label" or "value".
  void text(double x, double y, std::string_view kind, Anchor anchor, std::string_view content);
  // kind: "axis" or "grid".
  void line(double x1, double y1, double x2, double y2, std::string_view kind);
  // In the colour of series `index`.
  void polyline(const std::vector<double>& x, const std::vector<double>& y, std::size_t index);
  void dot(double x, double y, std::size_t index);
  void bar(double x, double y, double width, double height, std::size_t index);

  // Names beside samples of their colours, from x on in one row.
  void legend(double x, double y, const std::vector<std::string>& names);

  std::string finish() const;

 private:
  std::string body_;
};

// `text` for XML: markup escaped, what XML forbids replaced by U+FFFD.
std::string escape_xml(std::string_view text);

// At least the range [low, high] in about `count` steps of 1, 2 or 5 times a power of ten.
struct Ticks {
  double begin, step;
  int count;     // of ticks, both ends included
  int decimals;  // to write them with
  double at(int i) const { return begin + step * i; }
  double end() const { return at(count - 1); }
  std::string label(int i) const;
};
Ticks nice_ticks(double low, double high, int count);

// `value` with a fixed number of decimals, whatever the program's locale.
std::string fixed(double value, int decimals);

}  // namespace keratin::detail
