// All of Keratin's terminal output goes through one handler that programs can replace.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace keratin {

enum class LogLevel { output, info, warning };  // output: summaries and progress bars, printed as they are

using LogHandler = std::function<void(LogLevel, std::string_view text)>;

// Replaces the handler; an empty one restores the default (output to stdout, the rest to stderr as "keratin: ..."
// lines).
void set_log_handler(LogHandler handler);
void log(LogLevel level, std::string_view text);
// Whether the default handler is in place and stdout is a terminal: progress bars may rewrite their line.
bool log_is_terminal();

}  // namespace keratin
