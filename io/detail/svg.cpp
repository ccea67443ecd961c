#include "keratin/io/detail/svg.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>

namespace keratin::detail {
namespace {

// Six colours that also colour-blind readers tell apart, and lighter ones of the same hue for dark pages.
constexpr std::size_t kColours = 6;
constexpr std::array<std::string_view, kColours> kLight = {"#1f6feb", "#d9730d", "#1a7f37",
                                                           "#8250df", "#bf3989", "#57606a"};
constexpr std::array<std::string_view, kColours> kDark = {"#6cb0ff", "#ffb35c", "#56d364",
                                                          "#c8a6ff", "#ff8cc8", "#a5b0bb"};

std::string rules_of_colours(const std::array<std::string_view, kColours>& colours) {
  std::string rules;
  for (std::size_t i = 0; i < kColours; ++i) {
    const std::string name = std::to_string(i), colour(colours[i]);
    rules += ".s" + name + "{stroke:" + colour + "}.f" + name + "{fill:" + colour + "}";
  }
  return rules;
}

std::string style_sheet() {
  return "text{font-family:system-ui,-apple-system,'Segoe UI',Helvetica,Arial,sans-serif}"
         ".title{font-size:17px;font-weight:600}.heading{font-size:14px;font-weight:600}"
         ".label{font-size:12px}.value{font-size:12px}"
         ".page{fill:#ffffff}.title,.heading,.value{fill:#1f2328}.label{fill:#59636e}"
         ".grid{stroke:#e4e8ec}.axis{stroke:#8c959f}"
         ".line{fill:none;stroke-width:2.2;stroke-linejoin:round;stroke-linecap:round}" +
         rules_of_colours(kLight) +
         "@media (prefers-color-scheme:dark){.page{fill:#0d1117}.title,.heading,.value{fill:#e6edf3}"
         ".label{fill:#9198a1}.grid{stroke:#252b33}.axis{stroke:#6e7681}" +
         rules_of_colours(kDark) + "}";
}

std::string attribute(std::string_view name, double value) {
  return " " + std::string(name) + "=\"" + fixed(value, 1) + "\"";
}

// The length of the UTF-8 character at the front of `text`, or 0 when it is malformed or not allowed in XML.
std::size_t valid_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = byte(0);
  if (first < 0x80) return first >= 0x20 || first == '\t' || first == '\n' ? 1 : 0;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4) return 0;
  std::uint32_t code = first & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0u) != 0x80u) return 0;
    code = code << 6 | (byte(i) & 0x3fu);
  }
  constexpr std::array<std::uint32_t, 5> kSmallest = {0, 0, 0x80, 0x800, 0x10000};
  const bool surrogate = code >= 0xd800 && code < 0xe000, unassigned = code == 0xfffe || code == 0xffff;
  return code < kSmallest[length] || code > 0x10ffff || surrogate || unassigned ? 0 : length;
}

std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

std::string fixed(double value, int decimals) {
  std::array<char, 400> digits;  // the largest double has 309 digits before the point
  const auto result =
      std::to_chars(digits.data(), digits.data() + digits.size(), value, std::chars_format::fixed, decimals);
  std::string text(digits.data(), result.ptr);
  return text.find_first_not_of("-0.") == std::string::npos && text[0] == '-' ? text.substr(1) : text;
}

std::string escape_xml(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t length = valid_character(text);
    switch (text.front()) {
      case '&': result += "&amp;"; break;
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '"': result += "&quot;"; break;
      default: result += length > 0 ? text.substr(0, length) : std::string_view("\xef\xbf\xbd");
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return result;
}

SvgPage::SvgPage(double width, double height, std::string_view title) {
  const std::string size = fixed(width, 0) + " " + fixed(height, 0);
  body_ = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + size + "\" width=\"" + fixed(width, 0) +
          "\" height=\"" + fixed(height, 0) + "\" role=\"img\">\n<title>" + escape_xml(title) + "</title>\n<style>" +
          style_sheet() + "</style>\n<rect class=\"page\" width=\"100%\" height=\"100%\" rx=\"6\"/>\n";
  text(24, 32, "title", Anchor::start, title);
}

void SvgPage::text(double x, double y, std::string_view kind, Anchor anchor, std::string_view content) {
  constexpr std::array<std::string_view, 3> kAnchors = {"start", "middle", "end"};
  body_ += "<text class=\"" + std::string(kind) + "\"" + attribute("x", x) + attribute("y", y) + " text-anchor=\"" +
           std::string(kAnchors[static_cast<std::size_t>(anchor)]) + "\">" + escape_xml(content) + "</text>\n";
}

void SvgPage::line(double x1, double y1, double x2, double y2, std::string_view kind) {
  body_ += "<line class=\"" + std::string(kind) + "\"" + attribute("x1", x1) + attribute("y1", y1) +
           attribute("x2", x2) + attribute("y2", y2) + "/>\n";
}

void SvgPage::polyline(const std::vector<double>& x, const std::vector<double>& y, std::size_t index) {
  body_ += "<polyline class=\"line s" + std::to_string(index % kColours) + "\" points=\"";
  for (std::size_t i = 0; i < x.size(); ++i) body_ += (i > 0 ? " " : "") + fixed(x[i], 1) + "," + fixed(y[i], 1);
  body_ += "\"/>\n";
}

void SvgPage::dot(double x, double y, std::size_t index) {
  body_ += "<circle class=\"f" + std::to_string(index % kColours) + "\"" + attribute("cx", x) + attribute("cy", y) +
           " r=\"3\"/>\n";
}

void SvgPage::bar(double x, double y, double width, double height, std::size_t index) {
  body_ += "<rect class=\"f" + std::to_string(index % kColours) + "\"" + attribute("x", x) + attribute("y", y) +
           attribute("width", width) + attribute("height", height) + " rx=\"2\"/>\n";
}

void SvgPage::legend(double x, double y, const std::vector<std::string>& names) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    bar(x, y - 9, 14, 9, i);
    text(x + 19, y, "label", Anchor::start, names[i]);
    x += 40 + 6.6 * static_cast<double>(characters(names[i]));  // about the width of the letters
  }
}

std::string SvgPage::finish() const { return body_ + "</svg>\n"; }

std::string Ticks::label(int i) const { return fixed(at(i), decimals); }

Ticks nice_ticks(double low, double high, int count) {
  // A flat line still needs an axis around it; so do numbers that differ in their last bits, or too little to be
  // written.
  constexpr double kTiny = 1e-15;
  const double size = std::max(std::abs(low), std::abs(high));
  if (high - low <= std::max(kTiny, 1e-9 * size)) {
    const double room = size > kTiny ? 0.1 * size : 1;
    low -= room, high += room;
  }
  const double rough = (high - low) / std::max(1, count);
  int exponent = static_cast<int>(std::floor(std::log10(rough)));
  double step = 0;
  int leading = 10;
  for (const int candidate : {1, 2, 5}) {
    if (candidate * std::pow(10, exponent) >= rough * (1 - 1e-9)) {
      leading = candidate;
      break;
    }
  }
  if (leading == 10) leading = 1, ++exponent;
  step = leading * std::pow(10, exponent);
  const double first = std::floor(low / step + 1e-9), last = std::ceil(high / step - 1e-9);
  return {first * step, step, static_cast<int>(last - first) + 1, std::max(0, -exponent)};
}

}  // namespace keratin::detail
