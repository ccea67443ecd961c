// Truncated and mutated files: whatever the bytes, the reader gives values or a FileError, soon and in little memory.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <array>
#include <chrono>
#include <cstring>
#include <random>

#include "keratin/core/tensor/errors.h"
#include "keratin/io/detail/hdf5_reader.h"
#include "keratin/io/detail/hdf5_writer.h"
#include "tests/io/temporary_folder.h"
#include "tests/support/source_path.h"

namespace keratin::detail {
namespace {

constexpr std::array kFixtures{"old_format", "new_format", "ordered", "packed", "variable_length", "written"};

H5Buffer sample(const std::string& name) {
  if (name == "written") {
    H5Node root;
    root.group("layers/dense/vars").set_attribute("name", "dense");
    root.set_strings("layer_names", {"conv2d", "dense"});
    root.dataset("layers/dense/vars/0", Tensor({2, 2}, {1.f, 2.f, 3.f, 4.f}));
    root.dataset("layers/dense/vars/1", Tensor({2}, {true, false}));
    return write_hdf5_to_memory(root);
  }
  const std::string text = testing::read_file(testing::source_path("tests/fixtures/hdf5/" + name + ".h5"));
  H5Buffer bytes(text.size());
  std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

void load_each(H5Reader& reader, const H5Node& node, const std::string& path) {
  if (node.is_dataset) {
    try {
      const Tensor values = reader.load(path);
      EXPECT_EQ(values.shape(), node.shape);
      EXPECT_EQ(values.dtype(), node.dtype);
    } catch (const FileError&) {
    }
  }
  for (const H5Node& child : node.children) load_each(reader, child, path + "/" + child.name);
}

// True when the file could be listed. Anything but a FileError leaves the test as a failure.
bool read(H5Buffer bytes) {
  try {
    H5Reader reader(std::move(bytes), "damaged");
    load_each(reader, reader.root(), "");
    return true;
  } catch (const FileError& error) {
    EXPECT_LT(std::strlen(error.what()), 20'000u);
    return false;
  }
}

// The most memory the process ever had, in KiB.
long peak_memory() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

TEST(H5Damage, EveryTruncationIsAnError) {
  for (const char* name : kFixtures) {
    const H5Buffer whole = sample(name);
    for (std::size_t length = 0; length < whole.size(); length += 64) {
      const auto end = whole.begin() + static_cast<std::ptrdiff_t>(length);
      EXPECT_FALSE(read(H5Buffer(whole.begin(), end))) << name << " cut to " << length;
    }
  }
}

TEST(H5Damage, MutationsNeitherCrashNorHangNorTakeMuchMemory) {
  [[maybe_unused]] const long before = peak_memory();
  const auto start = std::chrono::steady_clock::now();
  std::mt19937 random(20240501);
  constexpr std::array<std::uint_fast32_t, 6> kLikely{0, 1, 0x7f, 0x80, 0xfe, 0xff};
  for (const char* name : kFixtures) {
    const H5Buffer whole = sample(name);
    EXPECT_EQ(read(whole), std::string_view(name) != "variable_length");
    for (int i = 0; i < 400; ++i) {
      H5Buffer bytes = whole;
      for (auto left = i % 2 == 0 ? 1 : 2 + random() % 7; left > 0; --left) {
        const auto value = random() % 2 == 0 ? kLikely[random() % kLikely.size()] : random() % 256;
        bytes[random() % bytes.size()] = static_cast<std::byte>(value);
      }
      read(std::move(bytes));
    }
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(60));
#ifndef __SANITIZE_ADDRESS__  // it keeps freed memory
  EXPECT_LT(peak_memory() - before, 64 * 1024);
#endif
}

TEST(H5Damage, RandomBytesBehindASignatureAreAnError) {
  std::mt19937 random(7);
  for (int i = 0; i < 200; ++i) {
    H5Buffer bytes(2000);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random() % 256);
    EXPECT_FALSE(read(bytes));
    std::memcpy(bytes.data(), "\x89HDF\r\n\x1a\n", 8);
    bytes[8] = static_cast<std::byte>(random() % 4);
    EXPECT_FALSE(read(bytes));
  }
}

}  // namespace
}  // namespace keratin::detail
