#include "keratin/core/training/detail/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "keratin/core/tensor/log.h"

namespace keratin {
namespace {

constexpr int kBarWidth = 20;  // as in keras.utils.Progbar

std::string duration(double seconds) {
  char text[32];
  const auto whole = static_cast<long>(seconds);
  if (whole >= 3600) {
    std::snprintf(text, sizeof text, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
  } else if (whole >= 60) {
    std::snprintf(text, sizeof text, "%ld:%02ld", whole / 60, whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%lds", whole);
  }
  return text;
}

std::string per_step(double seconds) {
  char text[32];
  if (seconds >= 1 || seconds == 0) {
    std::snprintf(text, sizeof text, "%.0fs/step", seconds);
  } else if (seconds >= 1e-3) {
    std::snprintf(text, sizeof text, "%.0fms/step", seconds * 1e3);
  } else {
    std::snprintf(text, sizeof text, "%.0fus/step", seconds * 1e6);
  }
  return text;
}

// Four decimals, or an exponent where those would show nothing; as Keras does.
std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, std::abs(value) > 1e-3 || value == 0 ? "%.4f" : "%.4e", value);
  return text;
}

}  // namespace

void Progress::begin_epoch(int epoch, int epochs) {
  begin();
  if (verbose_ > 0) {
    log(LogLevel::output, "Epoch " + std::to_string(epoch + 1) + "/" + std::to_string(epochs) + "\n");
  }
}

void Progress::begin() {
  start_ = shown_ = Clock::now();
  bar_ = verbose_ == 1 && log_is_terminal();
  width_ = 0;
}

bool Progress::due(std::int64_t) const { return bar_ && Clock::now() - shown_ > std::chrono::milliseconds(200); }

std::string Progress::line(std::int64_t step, const Logs& logs, bool finished) const {
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  const double each = step > 0 ? seconds / static_cast<double>(step) : 0;
  std::string text;
  if (steps_ > 0) {
    const std::string total = std::to_string(steps_);
    std::string done = std::to_string(step);
    done.insert(0, total.size() - std::min(total.size(), done.size()), ' ');
    text = done + "/" + total + " ";
    const auto filled = static_cast<int>(kBarWidth * step / steps_);
    for (int i = 0; i < kBarWidth; ++i) text += i < filled ? "━" : (bar_ ? "─" : "━");
    text += " ";
  } else {
    text = std::to_string(step) + " steps ";
  }
  const bool estimate = !finished && steps_ > 0;
  text += duration(estimate ? each * static_cast<double>(steps_ - step) : seconds) + " " + per_step(each);
  // Keras prints logs in alphabetical order.
  std::vector<std::pair<std::string, double>> sorted(logs.begin(), logs.end());
  std::sort(sorted.begin(), sorted.end());
  for (const auto& [name, value] : sorted) text += " - " + name + ": " + number(value);
  return text;
}

void Progress::update(std::int64_t step, const Logs& logs) {
  shown_ = Clock::now();
  std::string text = line(step, logs, false);
  const std::size_t width = text.size();
  // Blanks cover what a longer line before left over.
  if (width < width_) text += std::string(width_ - width, ' ');
  width_ = width;
  log(LogLevel::output, "\r" + text);
}

void Progress::end(std::int64_t steps, const Logs& logs) {
  if (verbose_ == 0) return;
  std::string text = line(steps, logs, true);
  if (verbose_ == 2) {
    // Without the bar: "469/469 - 3s - 6ms/step - accuracy: ...".
    const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    std::string plain = std::to_string(steps) + "/" + std::to_string(steps) + " - " + duration(seconds) + " - " +
                        per_step(steps > 0 ? seconds / static_cast<double>(steps) : 0);
    const std::size_t numbers = text.find(" - ");
    text = plain + (numbers == std::string::npos ? "" : text.substr(numbers));
  }
  if (bar_ && text.size() < width_) text += std::string(width_ - text.size(), ' ');
  log(LogLevel::output, (bar_ ? "\r" : "") + text + "\n");
}

}  // namespace keratin
