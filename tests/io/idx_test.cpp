#include "keratin/io/idx.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdint>
#include <cstring>
#include <span>
#include <vector>

#include "keratin/core/tensor/errors.h"
#include "keratin/io/detail/deflate.h"
#include "tests/io/temporary_folder.h"

namespace keratin {
namespace {

using keratin::testing::read_file;
using keratin::testing::TemporaryFolder;
using keratin::testing::write_file;

std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += static_cast<char>(value);
  return text;
}

std::string gzip(const std::string& text) {
  const auto packed = detail::gzip(std::as_bytes(std::span(text)));
  return {reinterpret_cast<const char*>(packed.data()), packed.size()};
}

// What reading a file of these bytes says.
std::string error_of(const std::string& content, IdxOptions options = {}) {
  TemporaryFolder folder;
  write_file(folder.path("f"), content);
  try {
    const Tensor tensor = read_idx(folder.path("f"), options);
    return "no error: " + tensor.to_string();
  } catch (const FileError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find(folder.path("f")), std::string::npos) << "the path is missing in: " << text;
    return text;
  }
}

#define EXPECT_SAYS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

Tensor read_bytes(const std::string& content) {
  TemporaryFolder folder;
  write_file(folder.path("f"), content);
  return read_idx(folder.path("f"));
}

const std::string kSmall = bytes({0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 1, 2, 3, 4, 5, 255});

TEST(Idx, ReadsBytes) {
  const Tensor tensor = read_bytes(kSmall);
  EXPECT_EQ(tensor.shape(), Shape({2, 3}));
  EXPECT_EQ(tensor.to_vector<std::uint8_t>(), (std::vector<std::uint8_t>{1, 2, 3, 4, 5, 255}));
}

TEST(Idx, RecognisesGzipByContent) {
  EXPECT_EQ(read_bytes(gzip(kSmall)).to_vector<std::uint8_t>(), (std::vector<std::uint8_t>{1, 2, 3, 4, 5, 255}));
  // Two gzip files joined are one, as for gunzip.
  EXPECT_EQ(read_bytes(gzip(kSmall.substr(0, 10)) + gzip(kSmall.substr(10))).shape(), Shape({2, 3}));
}

TEST(Idx, ReadsEveryNumberType) {
  EXPECT_EQ(read_bytes(bytes({0, 0, 9, 1, 0, 0, 0, 2, 0xff, 0x7f})).to_vector<std::int32_t>(),
            (std::vector<std::int32_t>{-1, 127}));
  EXPECT_EQ(read_bytes(bytes({0, 0, 0xb, 1, 0, 0, 0, 2, 0xff, 0xfe, 0x01, 0x00})).to_vector<std::int32_t>(),
            (std::vector<std::int32_t>{-2, 256}));
  EXPECT_EQ(read_bytes(bytes({0, 0, 0xc, 1, 0, 0, 0, 1, 0x80, 0, 0, 1})).to_vector<std::int32_t>(),
            (std::vector<std::int32_t>{INT32_MIN + 1}));
  EXPECT_EQ(read_bytes(bytes({0, 0, 0xd, 1, 0, 0, 0, 1, 0x3f, 0xc0, 0, 0})).to_vector<float>(),
            (std::vector<float>{1.5f}));
  EXPECT_EQ(read_bytes(bytes({0, 0, 0xe, 1, 0, 0, 0, 1, 0xc0, 0x04, 0, 0, 0, 0, 0, 0})).to_vector<double>(),
            (std::vector<double>{-2.5}));
}

TEST(Idx, ReadsAnEmptyArray) {
  EXPECT_EQ(read_bytes(bytes({0, 0, 8, 2, 0, 0, 0, 0, 0, 0, 0, 28})).shape(), Shape({0, 28}));
}

TEST(Idx, WritesWhatItReads) {
  TemporaryFolder folder;
  for (const std::string name : {"plain", "packed.gz"}) {
    const std::string path = folder.path(name);
    for (const Tensor& tensor :
         {Tensor({2, 2}, {1.5f, -2.0f, 1e30f, 0.0f}), Tensor({3}, {1e-300, 2.0, 3.0}), Tensor({1, 2, 1}, {-7, 1 << 30}),
          Tensor(Shape({70000, 50}), std::vector<std::uint8_t>(3500000, 9))}) {
      write_idx(path, tensor);
      const Tensor back = read_idx(path);
      EXPECT_EQ(back.dtype(), tensor.dtype());
      EXPECT_EQ(back.shape(), tensor.shape());
      EXPECT_EQ(std::memcmp(back.raw(), tensor.raw(), tensor.bytes()), 0) << tensor.to_string();
    }
  }
  EXPECT_LT(read_file(folder.path("packed.gz")).size(), 20000u);
  EXPECT_EQ(folder.files(), 2u);
}

TEST(Idx, RefusesToWriteWhatTheFormatCannotHold) {
  TemporaryFolder folder;
  EXPECT_THROW(write_idx(folder.path("a"), Tensor({2}, DType::int64)), InvalidArgument);
  EXPECT_THROW(write_idx(folder.path("a"), Tensor({2}, DType::boolean)), InvalidArgument);
  EXPECT_THROW(write_idx(folder.path("a"), Tensor::scalar(1.0f)), InvalidArgument);
  EXPECT_THROW(write_idx(folder.path("a"), Tensor()), InvalidArgument);
  EXPECT_THROW(write_idx(folder.path("no/a"), Tensor({2})), FileError);
  EXPECT_EQ(folder.files(), 0u);
}

TEST(Idx, SaysWhenItIsNotIdx) {
  EXPECT_SAYS(error_of(""), "an empty file");
  EXPECT_SAYS(error_of("<!DOCTYPE html>"), "3c 21 44 4f ('<!DO')");
  EXPECT_SAYS(error_of(bytes({0, 0})), "found 00 00");
  EXPECT_SAYS(error_of(bytes({0, 0, 10, 1, 0, 0, 0, 0})), "a type of 08");
  EXPECT_SAYS(error_of(bytes({0, 0, 8, 0, 1})), "at least one axis");
}

TEST(Idx, RefusesTruncatedAndLongerFiles) {
  for (std::size_t size = 1; size < kSmall.size(); ++size) {
    EXPECT_SAYS(error_of(kSmall.substr(0, size)), "cannot read");
    EXPECT_SAYS(error_of(gzip(kSmall.substr(0, size))), "cannot read");
  }
  const std::string packed = gzip(kSmall);
  for (std::size_t size = 1; size < packed.size(); ++size) EXPECT_SAYS(error_of(packed.substr(0, size)), "cannot read");
  EXPECT_SAYS(error_of(kSmall.substr(0, 15)), "18 bytes with the header; the file has 15");
  EXPECT_SAYS(error_of(gzip(kSmall.substr(0, 15))), "it ends after 12 + 3");
  EXPECT_SAYS(error_of(kSmall + "x"), "there is more behind them");
  EXPECT_SAYS(error_of(gzip(kSmall + "x")), "there is more behind them");
  EXPECT_SAYS(error_of(packed + "garbage"), "bytes behind the end of the gzip data");
  EXPECT_SAYS(error_of(packed + bytes({0x1f}) + "garbage"), "corrupt");
}

TEST(Idx, NoticesEveryFlippedByteOfAGzipFile) {
  const std::string packed = gzip(kSmall);
  for (std::size_t at = 0; at < packed.size(); ++at) {
    if (at >= 4 && at < 10) continue;  // time, hint and system: no part of the content
    std::string damaged = packed;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
    EXPECT_SAYS(error_of(damaged), "cannot read");
  }
}

TEST(Idx, RefusesLyingHeadersBeforeAllocating) {
  const std::string huge = bytes({0, 0, 0xe, 3}) + std::string(12, '\xff');
  EXPECT_SAYS(error_of(huge), "more than the limit");
  EXPECT_SAYS(error_of(gzip(huge)), "more than the limit");
  EXPECT_SAYS(error_of(bytes({0, 0, 8, 255}) + std::string(255 * 4, '\x7f')), "more than the limit");
  // Overflowing sizes beside an empty axis.
  EXPECT_SAYS(error_of(bytes({0, 0, 8, 4}) + std::string(12, '\xff') + bytes({0, 0, 0, 0})), "more than the limit");
  // Below the limit, but impossible for the file's length.
  EXPECT_SAYS(error_of(bytes({0, 0, 8, 1, 0x7f, 0, 0, 0, 1})), "the file has 9");
  EXPECT_SAYS(error_of(gzip(bytes({0, 0, 8, 1, 0x7f, 0, 0, 0, 1}))), "cannot hold that");
  EXPECT_SAYS(error_of(kSmall, {.max_bytes = 5}), "raise IdxOptions::max_bytes");
}

TEST(Idx, StopsAtTheClaimInsideAGzipBomb) {
  // 64 MiB of zeros behind a header that claims six bytes: a few KiB are unpacked.
  const std::string bomb = gzip(kSmall + std::string(std::size_t{64} << 20, '\0'));
  EXPECT_LT(bomb.size(), std::size_t{1} << 17);
  EXPECT_SAYS(error_of(bomb), "there is more behind them");
}

TEST(Idx, RefusesWhatIsNotAFile) {
  TemporaryFolder folder;
  EXPECT_THROW(read_idx(folder.path("missing")), FileError);
  EXPECT_THROW(read_idx(folder.path()), FileError);
  ASSERT_EQ(::mkfifo(folder.path("pipe").c_str(), 0600), 0);
  EXPECT_THROW(read_idx(folder.path("pipe")), FileError);  // and does not hang
  EXPECT_THROW(read_idx("/dev/zero"), FileError);
}

}  // namespace
}  // namespace keratin
