#include "keratin/core/model/naming.h"

#include <cctype>
#include <map>
#include <mutex>

namespace keratin {
namespace {

struct State {
  std::mutex mutex;
  std::map<std::string, int, std::less<>> used;
  std::uint64_t seed = 0, drawn = 0;
};
State& state() {
  static State* instance = new State;
  return *instance;
}

bool upper(char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; }
bool lower(char c) { return std::islower(static_cast<unsigned char>(c)) != 0; }

}  // namespace

// Keras's two regular expressions: "(.)([A-Z][a-z]+)" and "([a-z])([A-Z])", both -> "\1_\2". The first one consumes
// what it matches, so a capital that ends one match cannot begin the next.
std::string to_snake_case(std::string_view name) {
  std::string first;
  for (std::size_t i = 0; i < name.size();) {
    const bool word = i + 2 < name.size() && upper(name[i + 1]) && lower(name[i + 2]);
    if (!word) {
      first += name[i++];
      continue;
    }
    first += name[i];
    first += '_';
    first += name[i + 1];
    i += 2;
    while (i < name.size() && lower(name[i])) first += name[i++];
  }
  std::string result;
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (i > 0 && lower(first[i - 1]) && upper(first[i])) result += '_';
    result += static_cast<char>(std::tolower(static_cast<unsigned char>(first[i])));
  }
  return result;
}

std::string unique_name(std::string_view class_name) {
  std::string name = to_snake_case(class_name);
  std::lock_guard lock(state().mutex);
  const int count = state().used[name]++;
  return count == 0 ? name : name + "_" + std::to_string(count);
}

void reset_names() {
  std::lock_guard lock(state().mutex);
  state().used.clear();
}

void set_random_seed(std::uint64_t seed) {
  std::lock_guard lock(state().mutex);
  state().seed = seed;
  state().drawn = 0;
}
std::uint64_t random_seed() {
  std::lock_guard lock(state().mutex);
  return state().seed;
}
std::uint64_t next_seed() {
  std::lock_guard lock(state().mutex);
  // SplitMix64 of (seed, count).
  std::uint64_t z = state().seed * 0xD1342543DE82EF95u + ++state().drawn * 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

}  // namespace keratin
