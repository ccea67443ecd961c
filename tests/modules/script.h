// The script of the fake libraries, in KERATIN_FAKE_CUDA: "cuInit=803,version=12080,count=0". Needs nothing of Keratin.
#pragma once

#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace keratin::testing {

inline std::string scripted(const char* name) {
  const char* script = std::getenv("KERATIN_FAKE_CUDA");
  const std::string text = std::string(",") + (script ? script : ""), key = std::string(",") + name + "=";
  const std::size_t at = text.find(key);
  if (at == std::string::npos) return "";
  const std::size_t begin = at + key.size();
  return text.substr(begin, text.find(',', begin) - begin);
}

inline long long value(const char* name, long long otherwise) {
  const std::string text = scripted(name);
  if (text == "abort") {
    std::fprintf(stderr, "Invalid handle. Cannot load symbol %s\n", name);
    std::abort();
  }
  if (text == "crash") raise(SIGSEGV);
  if (text == "hang") {
    for (;;) pause();
  }
  return text.empty() ? otherwise : std::atoll(text.c_str());
}
inline int result(const char* name) { return static_cast<int>(value(name, 0)); }

}  // namespace keratin::testing
