// to_terminal: images as text. A character is about twice as high as wide, so one holds two pixels, one above the
// other.
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "keratin/core/tensor/errors.h"
#include "keratin/io/image.h"

namespace keratin {
namespace {

using Characters = TerminalOptions::Characters;

struct Picture {
  std::span<const std::uint8_t> pixels;
  std::int64_t height, width;

  // 0 below the lower edge, for odd heights.
  std::uint8_t at(std::int64_t row, std::int64_t column) const {
    return row < height ? pixels[static_cast<std::size_t>(row * width + column)] : std::uint8_t{0};
  }
};

bool has(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

// By the environment rather than by setlocale, which belongs to the program: libraries see "C" until it was called.
bool speaks_utf8() {
  for (const char* variable : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    if (!has(variable)) continue;
    const std::string_view locale = std::getenv(variable);
    for (const char* name : {"UTF-8", "utf-8", "UTF8", "utf8"}) {
      if (locale.find(name) != std::string_view::npos) return true;
    }
    return false;
  }
  return false;
}

bool use_blocks(Characters characters) {
  if (characters != Characters::automatic) return characters == Characters::blocks;
  const char* terminal = std::getenv("TERM");
  const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
  return ::isatty(STDOUT_FILENO) != 0 && !dumb && !has("NO_COLOR") && speaks_utf8();
}

std::int64_t width_to_fill(const TerminalOptions& options) {
  if (options.columns > 0) return options.columns;
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

// The 24 greys of the 256-colour palette, which every terminal of the last decades knows.
int grey(std::uint8_t value) { return 232 + (value * 23 + 127) / 255; }

void append_blocks(std::string& line, const Picture& picture, std::int64_t row) {
  int upper = -1, lower = -1;
  for (std::int64_t column = 0; column < picture.width; ++column) {
    const int new_upper = grey(picture.at(row, column)), new_lower = grey(picture.at(row + 1, column));
    if (new_upper != upper) line += "\x1b[38;5;" + std::to_string(new_upper) + "m";
    if (new_lower != lower) line += "\x1b[48;5;" + std::to_string(new_lower) + "m";
    line += "\u2580";  // the upper half in the foreground's colour
    upper = new_upper, lower = new_lower;
  }
  line += "\x1b[0m";
}

void append_ascii(std::string& line, const Picture& picture, std::int64_t row) {
  constexpr std::string_view kRamp = " .:-=+*#%@";
  for (std::int64_t column = 0; column < picture.width; ++column) {
    const auto mean = static_cast<std::size_t>((picture.at(row, column) + picture.at(row + 1, column)) / 2);
    line += kRamp[mean * kRamp.size() / 256];
  }
}

// What a terminal shows of UTF-8 text: bytes that do not continue a character.
std::int64_t width_of(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

std::string centred(const std::string& caption, std::int64_t width) {
  const std::int64_t room = std::max<std::int64_t>(0, width - width_of(caption));
  return std::string(static_cast<std::size_t>(room / 2), ' ') + caption +
         std::string(static_cast<std::size_t>(room - room / 2), ' ');
}

// Pictures [begin, end) side by side.
std::string band(std::span<const Picture> pictures, std::span<const std::string> captions, std::int64_t cell,
                 bool blocks) {
  std::string text;
  const std::int64_t width = pictures.front().width, height = pictures.front().height;
  for (std::int64_t row = 0; row < height; row += 2) {
    std::string line;
    for (const Picture& picture : pictures) {
      if (&picture != &pictures.front()) line += "  ";
      (blocks ? append_blocks : append_ascii)(line, picture, row);
      line.append(static_cast<std::size_t>(cell - width), ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  std::string line;
  for (std::size_t i = 0; i < captions.size(); ++i) line += (i > 0 ? "  " : "") + centred(captions[i], cell);
  line.erase(line.find_last_not_of(' ') + 1);
  if (!captions.empty()) text += line + "\n";
  return text;
}

}  // namespace

std::string images_to_terminal(const Tensor& images, const std::vector<std::string>& captions,
                               const TerminalOptions& options) {
  const Shape& shape = images.shape();
  const bool good = images.defined() && images.dtype() == DType::uint8 &&
                    (images.rank() == 3 || (images.rank() == 4 && shape[3] == 1)) && shape[1] > 0 && shape[2] > 0;
  if (!good) {
    throw InvalidArgument("images_to_terminal: expected grey uint8 images (n, h, w) or (n, h, w, 1), got " +
                          std::string(name_of(images.dtype())) + " " + shape.to_string() + ".");
  }
  const auto count = static_cast<std::size_t>(shape[0]);
  if (!captions.empty() && captions.size() != count) {
    throw InvalidArgument("images_to_terminal: expected a caption for each of " + std::to_string(count) +
                          " images, got " + std::to_string(captions.size()) + ".");
  }
  const auto all = images.values<std::uint8_t>();
  const auto pixels = static_cast<std::size_t>(shape[1] * shape[2]);
  std::vector<Picture> pictures;
  for (std::size_t i = 0; i < count; ++i) pictures.push_back({all.subspan(i * pixels, pixels), shape[1], shape[2]});

  std::int64_t cell = shape[2];
  for (const std::string& caption : captions) cell = std::max(cell, width_of(caption));
  const auto per_row = static_cast<std::size_t>(std::max<std::int64_t>(1, (width_to_fill(options) + 2) / (cell + 2)));
  const bool blocks = use_blocks(options.characters);
  std::string text;
  for (std::size_t begin = 0; begin < count; begin += per_row) {
    const std::size_t size = std::min(per_row, count - begin);
    const auto under = captions.empty() ? std::span<const std::string>() : std::span(captions).subspan(begin, size);
    text += (begin > 0 ? "\n" : "") + band(std::span(pictures).subspan(begin, size), under, cell, blocks);
  }
  return text;
}

std::string to_terminal(const Tensor& image, const TerminalOptions& options) {
  const Shape& shape = image.shape();
  if (!(image.rank() == 2 || (image.rank() == 3 && shape[2] == 1))) {
    throw InvalidArgument("to_terminal: expected one grey uint8 image (h, w) or (h, w, 1), got " + shape.to_string() +
                          ". images_to_terminal takes several.");
  }
  return images_to_terminal(image.reshape({1, shape[0], shape[1]}), std::vector<std::string>{}, options);
}

}  // namespace keratin
