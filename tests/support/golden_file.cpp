#include "tests/support/golden_file.h"

#include <zlib.h>

#include <stdexcept>

#include "tests/support/source_path.h"

namespace keratin::testing {

std::string read_golden(const std::string& name) {
  const std::string path = source_path("tests/goldens/" + name + ".json.gz");
  gzFile file = gzopen(path.c_str(), "rb");
  if (!file) throw std::runtime_error(path + " cannot be opened");
  std::string text;
  char piece[1 << 16];
  int bytes = 0;
  while ((bytes = gzread(file, piece, sizeof piece)) > 0) text.append(piece, static_cast<std::size_t>(bytes));
  const int closed = gzclose(file);
  if (bytes < 0 || closed != Z_OK) throw std::runtime_error(path + " is damaged");
  return text;
}

}  // namespace keratin::testing
