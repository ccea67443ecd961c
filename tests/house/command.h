// Runs another program and waits for it: for tests of the build, the installed tree and the documentation's code.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace keratin::house {

struct CommandResult {
  int status = -1;          // exit status; 128 + signal when a signal ended it
  std::string output;       // stdout and stderr together
  double user_seconds = 0;  // processor time of the program and the children it waited for
};

// `command[0]` is looked up in PATH. `environment` is added to ours. Throws std::system_error when it cannot be
// started.
CommandResult run_command(const std::vector<std::string>& command,
                          const std::map<std::string, std::string>& environment = {});

}  // namespace keratin::house
