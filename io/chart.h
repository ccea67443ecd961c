// Charts as SVG files: learning curves, and bars that compare measurements. Readable on light and dark pages.
#pragma once

#include <string>
#include <vector>

namespace keratin {

struct ChartSeries {
  std::string name = {};
  std::vector<double> values = {};  // a gap where a value is not finite
};

struct ChartPanel {
  std::string title = {};  // what the vertical axis measures
  std::vector<ChartSeries> series = {};
};

// Line charts side by side over a common count: value i belongs to x = first_x + i.
struct ChartOptions {
  std::string title = {};
  std::string x_label = "epoch";
  int first_x = 1;
  std::vector<ChartPanel> panels = {};
};

// The charts of a training run from its logs under Keras's names: one panel for "loss" and one for each metric, in the
// order of `logs`, with the line "training" and, from "val_<name>", the line "validation". "lr" and "learning_rate" get
// a panel with the line of their name.
ChartOptions learning_curves(const std::string& title, const std::vector<ChartSeries>& logs);

// Throws InvalidArgument when there is no panel, FileError when the file cannot be written (atomically, as always).
void write_svg_chart(const std::string& path, const ChartOptions& chart);
std::string svg_chart(const ChartOptions& chart);

// Horizontal bars in groups: values[g] of each series belongs to groups[g].
struct BarsOptions {
  std::string title = {};
  std::string x_label = {};              // "images per second (more is better)"
  std::vector<std::string> groups = {};  // "MLP, 1 thread"
  std::vector<ChartSeries> series = {};  // "Keratin", "LibTorch"
};

// Values must be finite and not negative; NaN leaves a bar out. Throws InvalidArgument when there are no groups, or a
// series has another number of values; FileError as above.
void write_svg_bars(const std::string& path, const BarsOptions& bars);
std::string svg_bars(const BarsOptions& bars);

}  // namespace keratin
