#include "keratin/io/chart.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <limits>
#include <string_view>
#include <vector>

#include "keratin/core/tensor/errors.h"
#include "keratin/io/detail/svg.h"
#include "tests/io/temporary_folder.h"

namespace keratin {
namespace {

using keratin::testing::read_file;
using keratin::testing::TemporaryFolder;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

bool is_name(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '-'; }

// The inside of a tag behind its name: attributes in double quotes, one space before each, an optional "/".
bool good_attributes(std::string_view text) {
  if (text.ends_with('/')) text.remove_suffix(1);
  while (!text.empty()) {
    if (text[0] != ' ') return false;
    std::size_t at = 1;
    while (at < text.size() && is_name(text[at])) ++at;
    if (at == 1 || text.substr(at, 2) != "=\"") return false;
    const std::size_t end = text.find('"', at + 2);
    if (end == std::string_view::npos || text.substr(at, end - at).find('<') != std::string_view::npos) return false;
    text.remove_prefix(end + 1);
  }
  return true;
}

// A small XML reader: tags balance, attributes are quoted, & begins an entity, no control characters, one root.
// Returns what is wrong, or "".
std::string xml_error(std::string_view xml) {
  std::vector<std::string> open;
  while (!xml.empty()) {
    std::size_t length = 1;
    if (xml[0] == '<') {
      const std::size_t end = xml.find('>');
      if (end == std::string_view::npos) return "a tag without end";
      length = end + 1;
      std::string_view inside = xml.substr(1, end - 1);
      const bool closes = inside.starts_with('/');
      if (closes) inside.remove_prefix(1);
      std::size_t size = 0;
      while (size < inside.size() && is_name(inside[size])) ++size;
      const std::string name(inside.substr(0, size));
      inside.remove_prefix(size);
      if (name.empty() || !good_attributes(inside)) return "a bad tag: " + std::string(xml.substr(0, 60));
      if (closes && (open.empty() || open.back() != name)) return "a stray </" + name + ">";
      if (closes) open.pop_back();
      if (!closes && !inside.ends_with('/')) open.push_back(name);
    } else if (xml[0] == '&') {
      length = std::min(xml.find(';'), xml.size() - 1) + 1;
      const std::string_view entity = xml.substr(0, length);
      if (entity != "&amp;" && entity != "&lt;" && entity != "&gt;" && entity != "&quot;") return "a bare &";
    } else {
      if (open.empty() && xml[0] != '\n') return "text outside the root";
      if (static_cast<unsigned char>(xml[0]) < 0x20 && xml[0] != '\n') return "a control character";
    }
    xml.remove_prefix(length);
  }
  return open.empty() ? "" : "<" + open.back() + "> is not closed";
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

ChartOptions curves() {
  return learning_curves("MNIST, small CNN", {{"loss", {0.9, 0.4, 0.2}},
                                              {"accuracy", {0.8, 0.9, 0.95}},
                                              {"val_loss", {0.7, 0.5, 0.3}},
                                              {"val_accuracy", {0.85, 0.9, 0.93}},
                                              {"learning_rate", {0.001, 0.001, 0.0005}}});
}

TEST(XmlError, FindsErrors) {
  EXPECT_EQ(xml_error("<a x=\"1\">t &amp; <b/></a>\n"), "");
  for (const char* bad :
       {"<a>", "</a>", "<a><b></a></b>", "<a x=1/>", "<a>&</a>", "<a> < </a>", "<a x=\"<\"/>", "<a>\x01</a>", "x"}) {
    EXPECT_NE(xml_error(bad), "") << bad;
  }
}

TEST(Chart, GroupsLogsLikeKeras) {
  const ChartOptions chart = curves();
  ASSERT_EQ(chart.panels.size(), 3u);
  EXPECT_EQ(chart.panels[0].title, "loss");
  EXPECT_EQ(chart.panels[1].title, "accuracy");
  ASSERT_EQ(chart.panels[1].series.size(), 2u);
  EXPECT_EQ(chart.panels[1].series[0].name, "training");
  EXPECT_EQ(chart.panels[1].series[1].name, "validation");
  EXPECT_EQ(chart.panels[1].series[1].values.back(), 0.93);
  EXPECT_EQ(chart.panels[2].series[0].name, "learning_rate");
}

TEST(Chart, IsWellFormedAndComplete) {
  TemporaryFolder folder;
  write_svg_chart(folder.path("a.svg"), curves());
  const std::string svg = read_file(folder.path("a.svg"));
  EXPECT_EQ(svg, svg_chart(curves()));
  EXPECT_EQ(xml_error(svg), "");
  EXPECT_EQ(count(svg, "<polyline"), 5u);
  EXPECT_EQ(count(svg, "<circle"), 15u);
  EXPECT_EQ(count(svg, ">epoch</text>"), 3u);
  EXPECT_EQ(count(svg, ">validation</text>"), 2u);
  EXPECT_NE(svg.find("prefers-color-scheme:dark"), std::string::npos);
}

TEST(Chart, LeavesGapsForValuesThatAreNotNumbers) {
  const double infinity = std::numeric_limits<double>::infinity();
  ChartOptions chart{.title = "t", .panels = {{"loss", {{"a", {1, 2, kNan, 3, 4, infinity, 5}}}}}};
  const std::string svg = svg_chart(chart);
  EXPECT_EQ(xml_error(svg), "");
  EXPECT_EQ(count(svg, "<polyline"), 2u);
  EXPECT_EQ(count(svg, "<circle"), 5u);
  for (const auto& values : std::vector<std::vector<double>>{
           {}, {kNan}, {3}, {0, 0}, {1e300, -1e300}, {5e-324, 0}, {1e-12, 2e-12}, std::vector<double>(5000, 1.5)}) {
    chart.panels[0].series[0].values = values;
    const std::string odd = svg_chart(chart);
    EXPECT_EQ(xml_error(odd), "");
    EXPECT_LT(odd.size(), 200000u);
    EXPECT_EQ(odd.find("nan"), std::string::npos);
    EXPECT_EQ(odd.find("inf"), std::string::npos);
  }
  chart.panels.clear();
  EXPECT_THROW(svg_chart(chart), InvalidArgument);
  EXPECT_THROW(write_svg_chart("/nowhere/a.svg", curves()), FileError);
}

TEST(Chart, SurvivesAnyText) {
  const std::string odd = "<&>\"'\x01\xff\xc0\x80\xed\xa0\x80 \u00fc\u20ac\xf0\x9f\x98\x80\xe2\x82";
  const std::string svg = svg_chart({.title = odd, .x_label = odd, .panels = {{odd, {{odd, {1, 2}}}}}});
  EXPECT_EQ(xml_error(svg), "");
  EXPECT_NE(
      svg.find("&lt;&amp;&gt;&quot;'\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd \u00fc\u20ac\xf0\x9f\x98\x80\ufffd"),
      std::string::npos);
}

TEST(Chart, HasRoundNumbersOnItsAxes) {
  const auto labels = [](double low, double high) {
    const detail::Ticks ticks = detail::nice_ticks(low, high, 5);
    EXPECT_LE(ticks.at(0), low);
    EXPECT_GE(ticks.end(), high);
    std::string text;
    for (int i = 0; i < ticks.count; ++i) text += (i > 0 ? " " : "") + ticks.label(i);
    return text;
  };
  EXPECT_EQ(labels(0, 1), "0.0 0.2 0.4 0.6 0.8 1.0");
  EXPECT_EQ(labels(0.031, 0.187), "0.00 0.05 0.10 0.15 0.20");
  EXPECT_EQ(labels(-3, 7), "-4 -2 0 2 4 6 8");
  EXPECT_EQ(labels(0, 48000), "0 10000 20000 30000 40000 50000");
  EXPECT_EQ(labels(2, 2), "1.8 1.9 2.0 2.1 2.2");
}

TEST(Bars, AreWellFormedAndProportional) {
  const BarsOptions bars{.title = "Training",
                         .x_label = "images per second",
                         .groups = {"MLP", "CNN <2>"},
                         .series = {{"Keratin", {1000, 250}}, {"other", {500, kNan}}}};
  const std::string svg = svg_bars(bars);
  EXPECT_EQ(xml_error(svg), "");
  EXPECT_EQ(count(svg, "width=\"460.0\""), 1u);
  EXPECT_EQ(count(svg, "width=\"230.0\""), 1u);
  EXPECT_EQ(count(svg, "width=\"115.0\""), 1u);
  EXPECT_EQ(count(svg, ">CNN &lt;2&gt;</text>"), 1u);
  TemporaryFolder folder;
  write_svg_bars(folder.path("b.svg"), bars);
  EXPECT_EQ(read_file(folder.path("b.svg")), svg);
}

TEST(Bars, RefuseWhatTheyCannotDraw) {
  EXPECT_THROW(svg_bars({}), InvalidArgument);
  EXPECT_THROW(svg_bars({.groups = {"a"}}), InvalidArgument);
  EXPECT_THROW(svg_bars({.groups = {"a"}, .series = {{"s", {1, 2}}}}), InvalidArgument);
  EXPECT_THROW(svg_bars({.groups = {"a"}, .series = {{"s", {-1}}}}), InvalidArgument);
  EXPECT_EQ(xml_error(svg_bars({.groups = {"a", "b"}, .series = {{"s", {0, kNan}}}})), "");
}

}  // namespace
}  // namespace keratin
