#include "keratin/io/chart.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string_view>

#include "keratin/core/tensor/errors.h"
#include "keratin/io/detail/atomic_file.h"
#include "keratin/io/detail/svg.h"

namespace keratin {
namespace {

using detail::SvgPage;
using detail::Ticks;
using Anchor = SvgPage::Anchor;

constexpr double kPanelWidth = 400, kPlotHeight = 220;
constexpr double kLeft = 64, kRight = 20;             // room beside a plot, for its labels
constexpr double kTop = 104, kBottom = 56;            // room above it, for title, heading and legend, and below
constexpr std::size_t kMaxDots = 30;                  // more points are only a line
constexpr double kLargest = 1e15, kSmallest = -1e15;  // what an axis can be labelled with; beyond is clipped

double plotted(double value) { return std::clamp(value, kSmallest, kLargest); }

// Ticks that hold every finite value of the panel.
Ticks y_ticks(const ChartPanel& panel) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const ChartSeries& series : panel.series) {
    for (const double value : series.values) {
      if (!std::isfinite(value)) continue;
      low = std::min(low, plotted(value));
      high = std::max(high, plotted(value));
    }
  }
  return low > high ? detail::nice_ticks(0, 1, 5) : detail::nice_ticks(low, high, 5);
}

std::size_t longest(const ChartOptions& chart) {
  std::size_t count = 1;
  for (const ChartPanel& panel : chart.panels) {
    for (const ChartSeries& series : panel.series) count = std::max(count, series.values.size());
  }
  return count;
}

// One panel's scales: from counts and values to pixels.
struct Plot {
  double left, top, width, height;
  double first_x, last_x;
  Ticks ticks;

  double x(double count) const {
    const double range = last_x - first_x;
    return left + width * (range > 0 ? (count - first_x) / range : 0.5);
  }
  double y(double value) const { return top + height * (ticks.end() - plotted(value)) / (ticks.end() - ticks.begin); }
};

void draw_axes(SvgPage& page, const Plot& plot, const std::string& x_label) {
  for (int i = 0; i < plot.ticks.count; ++i) {
    const double y = plot.y(plot.ticks.at(i));
    page.line(plot.left, y, plot.left + plot.width, y, "grid");
    page.text(plot.left - 8, y + 4, "label", Anchor::end, plot.ticks.label(i));
  }
  // Counts are whole numbers: every one, or every second, fifth, tenth, ...
  const double bottom = plot.top + plot.height;
  const auto step = std::max<std::int64_t>(
      1, std::llround(plot.last_x > plot.first_x ? detail::nice_ticks(0, plot.last_x - plot.first_x, 8).step : 1));
  for (std::int64_t count = std::llround(plot.first_x); count <= std::llround(plot.last_x); ++count) {
    if (step > 1 && count % step != 0) continue;
    const double x = plot.x(static_cast<double>(count));
    page.line(x, bottom, x, bottom + 4, "axis");
    page.text(x, bottom + 19, "label", Anchor::middle, std::to_string(count));
  }
  page.line(plot.left, bottom, plot.left + plot.width, bottom, "axis");
  page.text(plot.left + plot.width / 2, bottom + 40, "label", Anchor::middle, x_label);
}

void draw_series(SvgPage& page, const Plot& plot, const ChartSeries& series, std::size_t index) {
  std::vector<double> x, y;
  const auto end_of_run = [&] {
    if (x.size() > 1) page.polyline(x, y, index);
    if (x.size() == 1 || series.values.size() <= kMaxDots) {
      for (std::size_t i = 0; i < x.size(); ++i) page.dot(x[i], y[i], index);
    }
    x.clear(), y.clear();
  };
  for (std::size_t i = 0; i < series.values.size(); ++i) {
    if (std::isfinite(series.values[i])) {
      x.push_back(plot.x(plot.first_x + static_cast<double>(i)));
      y.push_back(plot.y(series.values[i]));
    } else {
      end_of_run();
    }
  }
  end_of_run();
}

void draw_panel(SvgPage& page, const ChartPanel& panel, const Plot& plot, const std::string& x_label) {
  page.text(plot.left, plot.top - 40, "heading", Anchor::start, panel.title);
  std::vector<std::string> names;
  for (const ChartSeries& series : panel.series) names.push_back(series.name);
  page.legend(plot.left, plot.top - 18, names);
  draw_axes(page, plot, x_label);
  for (std::size_t i = 0; i < panel.series.size(); ++i) draw_series(page, plot, panel.series[i], i);
}

}  // namespace

ChartOptions learning_curves(const std::string& title, const std::vector<ChartSeries>& logs) {
  ChartOptions chart{.title = title};
  for (const ChartSeries& log : logs) {
    const bool validation = log.name.starts_with("val_");
    const std::string metric = validation ? log.name.substr(4) : log.name;
    const bool measured_once = metric == "lr" || metric == "learning_rate";
    auto panel = std::find_if(chart.panels.begin(), chart.panels.end(),
                              [&](const ChartPanel& other) { return other.title == metric; });
    if (panel == chart.panels.end()) panel = chart.panels.insert(panel, {.title = metric, .series = {}});
    panel->series.push_back({measured_once ? metric : validation ? "validation" : "training", log.values});
  }
  return chart;
}

std::string svg_chart(const ChartOptions& chart) {
  if (chart.panels.empty()) throw InvalidArgument("svg_chart: expected at least one panel, got none.");
  const auto count = static_cast<double>(chart.panels.size());
  SvgPage page(count * kPanelWidth, kTop + kPlotHeight + kBottom, chart.title);
  for (std::size_t i = 0; i < chart.panels.size(); ++i) {
    const ChartPanel& panel = chart.panels[i];
    const Plot plot{.left = static_cast<double>(i) * kPanelWidth + kLeft,
                    .top = kTop,
                    .width = kPanelWidth - kLeft - kRight,
                    .height = kPlotHeight,
                    .first_x = static_cast<double>(chart.first_x),
                    .last_x = static_cast<double>(chart.first_x) + static_cast<double>(longest(chart) - 1),
                    .ticks = y_ticks(panel)};
    draw_panel(page, panel, plot, chart.x_label);
  }
  return page.finish();
}

void write_svg_chart(const std::string& path, const ChartOptions& chart) {
  detail::write_file_atomically(path, svg_chart(chart));
}

}  // namespace keratin
