// Runs a probe in a child process with a time limit: NVIDIA's libraries may abort, crash or hang, and doctor may not.
#pragma once

#include <sys/mman.h>

#include <cstring>
#include <functional>
#include <new>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace keratin::probe {

struct Outcome {
  bool finished = false;  // the work returned
  bool timed_out = false;
  int signal = 0;            // that ended the child
  std::string output;        // the last the child wrote to its standard error, at most 2 KiB
  std::string text() const;  // "finished", "ended by signal 6 (Aborted): ...", "did not answer within 10 s"
  double limit = 0;          // seconds
};

Outcome run_in_child(const std::function<void()>& work, double seconds);

// The report lies in memory shared with the child, so what was found before a crash is kept. `Report` must be plain
// data without pointers.
template <class Report>
Outcome run_isolated(Report& report, const std::function<void(Report&)>& work, double seconds) {
  static_assert(std::is_trivially_copyable_v<Report>);
  void* memory = mmap(nullptr, sizeof(Report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  auto* shared = new (memory) Report(report);
  const Outcome outcome = run_in_child([&] { work(*shared); }, seconds);
  report = *shared;
  munmap(memory, sizeof(Report));
  return outcome;
}

// Texts in such reports.
template <std::size_t N>
void set_text(char (&to)[N], const std::string& text) {
  const std::size_t length = text.size() < N - 1 ? text.size() : N - 1;
  std::memcpy(to, text.data(), length);
  to[length] = '\0';
}

}  // namespace keratin::probe
