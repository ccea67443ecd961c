#include "tests/house/command.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <system_error>

namespace keratin::house {

CommandResult run_command(const std::vector<std::string>& command,
                          const std::map<std::string, std::string>& environment) {
  const auto check = [&](int result, const char* what) {
    if (result < 0) throw std::system_error(errno, std::generic_category(), command[0] + ": " + what);
    return result;
  };
  std::vector<char*> arguments;
  for (const std::string& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);

  int ends[2];
  check(pipe2(ends, O_CLOEXEC), "pipe");
  const pid_t child = check(fork(), "fork");
  if (child == 0) {
    const int none = open("/dev/null", O_RDONLY);
    dup2(none, 0), dup2(ends[1], 1), dup2(ends[1], 2);
    for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
    execvp(arguments[0], arguments.data());
    _exit(127);
  }
  close(ends[1]);

  CommandResult result;
  char buffer[4096];
  for (ssize_t count; (count = ::read(ends[0], buffer, sizeof buffer)) != 0;) {
    if (count > 0) result.output.append(buffer, static_cast<std::size_t>(count));
    if (count < 0 && errno != EINTR) break;
  }
  close(ends[0]);
  int status = 0;
  rusage usage{};
  while (wait4(child, &status, 0, &usage) < 0)
    if (errno != EINTR) throw std::system_error(errno, std::generic_category(), command[0] + ": wait");
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  result.user_seconds = static_cast<double>(usage.ru_utime.tv_sec) + 1e-6 * static_cast<double>(usage.ru_utime.tv_usec);
  return result;
}

}  // namespace keratin::house
