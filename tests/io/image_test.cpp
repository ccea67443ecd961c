#include "keratin/io/image.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "keratin/core/tensor/errors.h"
#include "keratin/io/digits.h"
#include "tests/io/temporary_folder.h"

namespace keratin {
namespace {

using keratin::testing::read_file;
using keratin::testing::TemporaryFolder;
using Characters = TerminalOptions::Characters;

std::uint32_t u32(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) value = value << 8 | static_cast<unsigned char>(bytes.at(at + i));
  return value;
}

// An independent reading of what write_png wrote: checks every checksum, returns the rows with their filter bytes.
std::string rows_of_png(const std::string& png, std::uint32_t& width, std::uint32_t& height, int& colour) {
  EXPECT_EQ(png.substr(0, 8), "\x89PNG\r\n\x1a\n");
  std::string packed, last;
  for (std::size_t at = 8; at < png.size();) {
    const std::uint32_t size = u32(png, at);
    last = png.substr(at + 4, 4);
    EXPECT_EQ(u32(png, at + 8 + size), crc32(0, reinterpret_cast<const Bytef*>(png.data() + at + 4), size + 4)) << last;
    if (last == "IHDR") {
      width = u32(png, at + 8);
      height = u32(png, at + 12);
      EXPECT_EQ(png[at + 16], 8);
      colour = png[at + 17];
    }
    if (last == "IDAT") packed += png.substr(at + 8, size);
    at += 12 + size;
  }
  EXPECT_EQ(last, "IEND");
  std::string rows(1000000, '\0');
  uLongf size = rows.size();
  EXPECT_EQ(uncompress(reinterpret_cast<Bytef*>(rows.data()), &size, reinterpret_cast<const Bytef*>(packed.data()),
                       packed.size()),
            Z_OK);
  rows.resize(size);
  return rows;
}

TEST(Png, HoldsGreyAndColourImages) {
  TemporaryFolder folder;
  std::uint32_t width = 0, height = 0;
  int colour = -1;
  const std::vector<std::uint8_t> grey{1, 2, 3, 4, 5, 255};
  for (const Shape& shape : {Shape{2, 3}, Shape{2, 3, 1}}) {
    write_png(folder.path("a.png"), Tensor(shape, grey));
    EXPECT_EQ(rows_of_png(read_file(folder.path("a.png")), width, height, colour),
              std::string("\0\1\2\3\0\4\5\xff", 8));
    EXPECT_EQ(width, 3u);
    EXPECT_EQ(height, 2u);
    EXPECT_EQ(colour, 0);
  }
  write_png(folder.path("a.png"), Tensor(Shape{1, 2, 3}, grey));
  EXPECT_EQ(rows_of_png(read_file(folder.path("a.png")), width, height, colour), std::string("\0\1\2\3\4\5\xff", 7));
  EXPECT_EQ(width, 2u);
  EXPECT_EQ(height, 1u);
  EXPECT_EQ(colour, 2);
  EXPECT_EQ(folder.files(), 1u);
}

TEST(Png, RefusesWhatIsNotAnImage) {
  TemporaryFolder folder;
  const std::string path = folder.path("a.png");
  EXPECT_THROW(write_png(path, Tensor({2, 2}, DType::float32)), InvalidArgument);
  EXPECT_THROW(write_png(path, Tensor({2, 2, 2}, DType::uint8)), InvalidArgument);
  EXPECT_THROW(write_png(path, Tensor({0, 2}, DType::uint8)), InvalidArgument);
  EXPECT_THROW(write_png(path, Tensor({4}, DType::uint8)), InvalidArgument);
  EXPECT_THROW(write_png(path, Tensor()), InvalidArgument);
  EXPECT_THROW(write_png(folder.path("no/a.png"), Tensor({2, 2}, DType::uint8)), FileError);
  EXPECT_EQ(folder.files(), 0u);
}

TEST(Terminal, DrawsHalfBlocks) {
  const Tensor image(Shape{3, 2}, std::vector<std::uint8_t>{0, 255, 255, 255, 0, 128});
  EXPECT_EQ(to_terminal(image, {.characters = Characters::blocks}),
            "\x1b[38;5;232m\x1b[48;5;255m\u2580\x1b[38;5;255m\u2580\x1b[0m\n"
            "\x1b[38;5;232m\x1b[48;5;232m\u2580\x1b[38;5;244m\u2580\x1b[0m\n");
}

TEST(Terminal, DrawsPlainCharacters) {
  const Tensor image(Shape{2, 4, 1}, std::vector<std::uint8_t>{0, 255, 255, 0, 0, 0, 255, 10});
  EXPECT_EQ(to_terminal(image, {.characters = Characters::ascii}), " =@\n");
}

TEST(Terminal, PutsCaptionedImagesSideBySide) {
  const Tensor images = Tensor::full({3, 2, 4}, 255, DType::uint8);
  EXPECT_EQ(images_to_terminal(images, {"7 (1.0)", "a", "\u00fc"}, {.characters = Characters::ascii, .columns = 18}),
            "@@@@     @@@@\n"
            "7 (1.0)     a\n"
            "\n"
            "@@@@\n"
            "   \u00fc\n");
  EXPECT_EQ(images_to_terminal(images, std::vector<std::string>{}, {.characters = Characters::ascii, .columns = 1}),
            "@@@@\n\n@@@@\n\n@@@@\n");
  EXPECT_EQ(images_to_terminal(Tensor({0, 2, 2}, DType::uint8)), "");
}

TEST(Terminal, ShowsADigitInALog) {
  // Standard output of a test is rarely a terminal; NO_COLOR makes sure.
  ::setenv("NO_COLOR", "1", 1);
  const Digit digit = draw_digit(1, 0);
  const Tensor image(Shape{28, 28}, std::vector<std::uint8_t>(digit.pixels.begin(), digit.pixels.end()));
  const std::string text = to_terminal(image);
  ::unsetenv("NO_COLOR");
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 14);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_NE(text.find_first_of("#%@"), std::string::npos);
}

TEST(Terminal, RefusesWhatItCannotShow) {
  EXPECT_THROW(to_terminal(Tensor({2, 2}, DType::float32)), InvalidArgument);
  EXPECT_THROW(to_terminal(Tensor({2, 2, 3}, DType::uint8)), InvalidArgument);
  EXPECT_THROW(images_to_terminal(Tensor({2, 2}, DType::uint8)), InvalidArgument);
  EXPECT_THROW(images_to_terminal(Tensor({2, 2, 2, 3}, DType::uint8)), InvalidArgument);
  EXPECT_THROW(images_to_terminal(Tensor({2, 2, 2}, DType::uint8), {"one"}), InvalidArgument);
}

}  // namespace
}  // namespace keratin
