#include "keratin/core/tensor/log.h"

#include <unistd.h>

#include <cstdio>
#include <memory>
#include <mutex>

namespace keratin {
namespace {

struct State {
  std::mutex mutex;
  std::shared_ptr<const LogHandler> handler;
};
State& state() {
  static State* instance = new State;  // never destroyed: logging may happen while the program ends
  return *instance;
}
std::shared_ptr<const LogHandler> current() {
  std::lock_guard lock(state().mutex);
  return state().handler;
}

}  // namespace

void set_log_handler(LogHandler handler) {
  std::lock_guard lock(state().mutex);
  state().handler = handler ? std::make_shared<const LogHandler>(std::move(handler)) : nullptr;
}

void log(LogLevel level, std::string_view text) {
  if (auto handler = current()) return (*handler)(level, text);
  if (level == LogLevel::output) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  } else {
    const std::string line =
        "keratin: " + std::string(level == LogLevel::warning ? "warning: " : "") + std::string(text) + "\n";
    std::fwrite(line.data(), 1, line.size(), stderr);
  }
}

bool log_is_terminal() { return !current() && isatty(STDOUT_FILENO) == 1; }

}  // namespace keratin
