// keratin_bar_chart FILE.svg: draws the bars described by JSON on standard input:
// {"title": "", "x_label": "", "groups": ["", ...], "series": [{"name": "", "values": [1, null, ...]}, ...]}.
#include <cmath>
#include <cstdio>
#include <exception>
#include <iostream>
#include <nlohmann/json.hpp>

#include "keratin/io/chart.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: keratin_bar_chart FILE.svg < bars.json\n");
    return 2;
  }
  try {
    const auto json = nlohmann::json::parse(std::cin);
    keratin::BarsOptions bars{.title = json.at("title"), .x_label = json.at("x_label"), .groups = json.at("groups")};
    for (const auto& item : json.at("series")) {
      keratin::ChartSeries series{.name = item.at("name")};
      for (const auto& value : item.at("values")) {
        series.values.push_back(value.is_null() ? std::nan("") : value.get<double>());
      }
      bars.series.push_back(std::move(series));
    }
    keratin::write_svg_bars(argv[1], bars);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "keratin_bar_chart: %s\n", error.what());
    return 1;
  }
}
