// Pictures of tensors: PNG files, and images in a terminal.
#pragma once

#include <string>
#include <vector>

#include "keratin/core/tensor/tensor.h"

namespace keratin {

// Writes a uint8 image, (h, w) or (h, w, 1) in grey or (h, w, 3) in RGB, as PNG; the file appears complete or not at
// all. Throws InvalidArgument for another shape or dtype, FileError when the file cannot be written.
void write_png(const std::string& path, const Tensor& image);

struct TerminalOptions {
  enum class Characters {
    automatic,  // blocks when standard output is a UTF-8 terminal and NO_COLOR is not set, else ascii
    blocks,     // half blocks in 24 shades of grey: two pixels in one character
    ascii,      // a ramp of plain characters, for pipes and log files
  };
  Characters characters = Characters::automatic;
  int columns = 0;  // the width to fill; 0: the terminal's, or 80
};

// A grey picture of a uint8 image, (h, w) or (h, w, 1), as lines of text, each ended by a newline.
std::string to_terminal(const Tensor& image, const TerminalOptions& options = {});

// Several images side by side, as many in a row as fit, with a caption such as "7 (0.998)" under each.
// images: uint8 (n, h, w) or (n, h, w, 1); captions: n of them, or none.
std::string images_to_terminal(const Tensor& images, const std::vector<std::string>& captions = {},
                               const TerminalOptions& options = {});

}  // namespace keratin
