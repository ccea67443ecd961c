#include "keratin/backends/cuda/probe/isolated.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

namespace keratin::probe {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void be_the_child(const std::function<void()>& work, int error_pipe, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(3);
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);  // a crash is an answer here, not worth a core file
  for (const int number : {SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTERM}) signal(number, SIG_DFL);
  const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nothing >= 0) {
    dup2(nothing, STDIN_FILENO);
    dup2(nothing, STDOUT_FILENO);
  }
  dup2(error_pipe, STDERR_FILENO);
  try {
    work();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s", error.what());
    _exit(2);
  } catch (...) {
    _exit(2);
  }
  // Not exit: the libraries' own destructors have no business here.
  _exit(0);
}

// Reads what is there; keeps the end of it.
void drain(int pipe, std::string& output) {
  char buffer[1024];
  for (ssize_t got; (got = ::read(pipe, buffer, sizeof buffer)) > 0;) {
    output.append(buffer, static_cast<std::size_t>(got));
    if (output.size() > 2048) output.erase(0, output.size() - 2048);
  }
}

}  // namespace

Outcome run_in_child(const std::function<void()>& work, double seconds) {
  Outcome outcome;
  outcome.limit = seconds;
  int pipes[2];
  if (pipe2(pipes, O_CLOEXEC | O_NONBLOCK) != 0) {
    outcome.output = "no pipe could be made";
    return outcome;
  }
  std::fflush(nullptr);  // or the child would write what waits in our buffers
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) be_the_child(work, pipes[1], parent);
  close(pipes[1]);
  if (child < 0) {
    close(pipes[0]);
    outcome.output = "no process could be started";
    return outcome;
  }
  const auto limit = Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  // A process that waits inside the kernel cannot be killed; then it is left behind.
  const auto grace = limit + std::chrono::seconds(2);
  int status = 0;
  pid_t ended = 0;
  while ((ended = waitpid(child, &status, WNOHANG)) == 0) {
    // The pipe closes when the child ends, which wakes this up; a child that closed it itself is asked now and then.
    pollfd pipe{pipes[0], POLLIN, 0};
    if (poll(&pipe, 1, 20) > 0 && (pipe.revents & POLLIN) == 0)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    drain(pipes[0], outcome.output);
    if (Clock::now() > limit && !outcome.timed_out) {
      outcome.timed_out = true;
      kill(child, SIGKILL);
    }
    if (Clock::now() > grace) break;
  }
  drain(pipes[0], outcome.output);
  close(pipes[0]);
  if (ended == child && !outcome.timed_out) {
    outcome.finished = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    outcome.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }
  outcome.output.erase(outcome.output.find_last_not_of(" \r\n") + 1);
  return outcome;
}

std::string Outcome::text() const {
  if (finished) return "finished";
  if (timed_out) return "did not answer within " + std::to_string(static_cast<int>(limit)) + " s";
  const char* name = signal ? strsignal(signal) : nullptr;
  std::string text =
      signal ? "ended by signal " + std::to_string(signal) + (name ? " (" + std::string(name) + ")" : "") : "failed";
  if (!output.empty()) text += ": " + output;
  return text;
}

}  // namespace keratin::probe
