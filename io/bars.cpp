// svg_bars: grouped horizontal bars. Names of measurements are long, so they stand beside their bars, not below.
#include <algorithm>
#include <cmath>

#include "keratin/core/tensor/errors.h"
#include "keratin/io/chart.h"
#include "keratin/io/detail/atomic_file.h"
#include "keratin/io/detail/svg.h"

namespace keratin {
namespace {

using detail::SvgPage;
using detail::Ticks;
using Anchor = SvgPage::Anchor;

constexpr double kTop = 84, kBottom = 52, kRight = 76, kPlotWidth = 460;
constexpr double kBar = 17, kBarGap = 3, kGroupGap = 16;

// Throws when the numbers cannot be drawn; returns the largest.
double check(const BarsOptions& bars) {
  if (bars.groups.empty() || bars.series.empty()) {
    throw InvalidArgument("svg_bars: expected at least one group and one series, got " +
                          std::to_string(bars.groups.size()) + " and " + std::to_string(bars.series.size()) + ".");
  }
  double largest = 0;
  for (const ChartSeries& series : bars.series) {
    if (series.values.size() != bars.groups.size()) {
      throw InvalidArgument("svg_bars: series '" + series.name + "' has " + std::to_string(series.values.size()) +
                            " values for " + std::to_string(bars.groups.size()) +
                            " groups; use NaN for a missing one.");
    }
    for (const double value : series.values) {
      if (std::isnan(value)) continue;
      if (!(value >= 0 && value <= 1e15)) {
        throw InvalidArgument("svg_bars: series '" + series.name + "' has the value " + std::to_string(value) +
                              "; expected 0 to 1e15, or NaN for a missing one.");
      }
      largest = std::max(largest, value);
    }
  }
  return largest;
}

// Three significant digits: 0.0123, 1.23, 123, 12345.
std::string short_number(double value) {
  const int magnitude = value > 0 ? static_cast<int>(std::floor(std::log10(value))) : 0;
  return detail::fixed(value, std::clamp(2 - magnitude, 0, 12));
}

}  // namespace

std::string svg_bars(const BarsOptions& bars) {
  const double largest = check(bars);
  std::size_t letters = 0;
  for (const std::string& group : bars.groups) letters = std::max(letters, group.size());
  const double left = std::clamp(40 + 6.6 * static_cast<double>(letters), 90.0, 400.0);
  const double group_height = static_cast<double>(bars.series.size()) * (kBar + kBarGap) - kBarGap + kGroupGap;
  const double height = group_height * static_cast<double>(bars.groups.size());
  const double bottom = kTop + height;
  SvgPage page(left + kPlotWidth + kRight, bottom + kBottom, bars.title);

  std::vector<std::string> names;
  for (const ChartSeries& series : bars.series) names.push_back(series.name);
  page.legend(24, 60, names);

  const Ticks ticks = detail::nice_ticks(0, largest > 0 ? largest : 1, 5);
  const auto x = [&](double value) { return left + kPlotWidth * value / ticks.end(); };
  for (int i = 0; i < ticks.count; ++i) {
    page.line(x(ticks.at(i)), kTop, x(ticks.at(i)), bottom, i == 0 ? "axis" : "grid");
    page.text(x(ticks.at(i)), bottom + 18, "label", Anchor::middle, ticks.label(i));
  }
  page.text(left + kPlotWidth / 2, bottom + 38, "label", Anchor::middle, bars.x_label);

  for (std::size_t group = 0; group < bars.groups.size(); ++group) {
    const double top = kTop + static_cast<double>(group) * group_height + kGroupGap / 2;
    page.text(left - 10, top + (group_height - kGroupGap) / 2 + 4, "value", Anchor::end, bars.groups[group]);
    for (std::size_t series = 0; series < bars.series.size(); ++series) {
      const double value = bars.series[series].values[group];
      if (std::isnan(value)) continue;
      const double y = top + static_cast<double>(series) * (kBar + kBarGap);
      page.bar(left, y, x(value) - left, kBar, series);
      page.text(x(value) + 6, y + kBar - 4, "value", Anchor::start, short_number(value));
    }
  }
  return page.finish();
}

void write_svg_bars(const std::string& path, const BarsOptions& bars) {
  detail::write_file_atomically(path, svg_bars(bars));
}

}  // namespace keratin
