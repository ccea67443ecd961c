#include "keratin/io/detail/hdf5_reader.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstring>
#include <functional>

#include "keratin/core/tensor/errors.h"
#include "tests/io/temporary_folder.h"
#include "tests/support/source_path.h"

namespace keratin::detail {
namespace {

using testing::read_file;
using testing::TemporaryFolder;
using testing::write_file;

std::string fixture(const std::string& name) { return testing::source_path("tests/fixtures/hdf5/" + name + ".h5"); }

H5Buffer bytes_of(const std::string& text) {
  H5Buffer bytes(text.size());
  if (!text.empty()) std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const FileError& error) {
    return error.what();
  }
  return "no error";
}

void expect_contains(const std::string& text, const std::string& part) {
  EXPECT_NE(text.find(part), std::string::npos) << "expected: " << part << "\n   found: " << text;
}

class H5Formats : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(H5Reader, H5Formats, ::testing::Values("old_format", "new_format", "ordered"));

TEST_P(H5Formats, ListsBeforeLoading) {
  H5Reader reader(fixture(GetParam()));
  const H5Node* kernel = reader.root().find("layers/conv2d/vars/0");
  ASSERT_NE(kernel, nullptr);
  EXPECT_TRUE(kernel->is_dataset);
  EXPECT_EQ(kernel->shape, (Shape{2, 3, 4}));
  EXPECT_EQ(kernel->dtype, DType::float32);
  EXPECT_FALSE(kernel->data.defined());
  const Tensor values = reader.load("layers/conv2d/vars/0");
  EXPECT_EQ(values.shape(), (Shape{2, 3, 4}));
  EXPECT_EQ(values.at({1, 2, 3}), 23);
  EXPECT_EQ(reader.load("/layers/dense/vars/1").to_vector<float>(), std::vector<float>(4));
}

TEST_P(H5Formats, ReadsAttributes) {
  const H5Reader reader(fixture(GetParam()));
  const H5Node& root = reader.root();
  EXPECT_EQ(root.string("keras_version"), "3.16.0");
  EXPECT_EQ(root.strings("layer_names"), (std::vector<std::string>{"conv2d", "dense"}));
  EXPECT_EQ(root.strings("names"), (std::vector<std::string>{"Größe", "層"}));
  EXPECT_TRUE(root.strings("weight_names").empty());
  EXPECT_EQ(std::get<Tensor>(*root.attribute("epoch")).item(), 3);
  EXPECT_EQ(root.find("layers/dense/vars")->string("name"), "dense");
  expect_contains(error_of([&] { root.attribute("record"); }), "found compounds (records)");
}

TEST_P(H5Formats, ReadsManyLinks) {
  H5Reader reader(fixture(GetParam()));
  EXPECT_EQ(reader.root().find("many")->children.size(), 12u);
  for (int i = 0; i < 12; ++i) EXPECT_EQ(reader.load("many/" + std::to_string(i)).item(), i);
}

TEST_P(H5Formats, ConvertsEveryNumberType) {
  H5Reader reader(fixture(GetParam()));
  const std::vector<std::pair<std::string, DType>> kinds{
      {"f4", DType::float32},   {"big_f4", DType::float32}, {"f8", DType::float64}, {"big_f8", DType::float64},
      {"i1", DType::int32},     {"i2", DType::int32},       {"i4", DType::int32},   {"i8", DType::int64},
      {"big_i2", DType::int32}, {"u1", DType::uint8},       {"u2", DType::int32},   {"u4", DType::int64},
      {"u8", DType::int64}};
  for (const auto& [name, dtype] : kinds) {
    const Tensor values = reader.load("types/" + name);
    EXPECT_EQ(values.dtype(), dtype) << name;
    EXPECT_EQ(reader.root().find("types/" + name)->dtype, dtype) << name;
    EXPECT_EQ(values.astype(DType::int32).to_vector<std::int32_t>(), (std::vector<std::int32_t>{0, 1, 100})) << name;
  }
  EXPECT_EQ(reader.load("types/bool").to_vector<bool>(), (std::vector<bool>{true, false}));
  EXPECT_EQ(reader.load("types/bfloat16").to_vector<float>(), (std::vector<float>{1.5f, -2.f}));
  const auto half = reader.load("types/float16").to_vector<float>();
  EXPECT_EQ(half[0], 1.5f);
  EXPECT_EQ(half[1], -2.f);
  EXPECT_EQ(half[2], 0x1p-24f);
  EXPECT_TRUE(std::isinf(half[3]));
}

TEST_P(H5Formats, ReadsEmptyDatasetsAndNamesWhatItCannotLoad) {
  H5Reader reader(fixture(GetParam()));
  EXPECT_EQ(reader.load("empty").shape(), (Shape{3, 0}));
  EXPECT_TRUE(reader.root().find("text")->is_text);
  EXPECT_EQ(error_of([&] { reader.load("text"); }),
            fixture(GetParam()) + ": /text: expected a dataset of numbers or bool, found strings");
  EXPECT_EQ(error_of([&] { reader.load("layers/dense"); }),
            fixture(GetParam()) + ": /layers/dense: expected a dataset, found none of this name");
}

TEST(H5Reader, ReadsPackedData) {
  H5Reader reader(fixture("packed"));
  std::vector<double> expected(35);
  for (std::size_t i = 0; i < expected.size(); ++i) expected[i] = static_cast<double>(i);
  for (const char* name : {"plain", "gzip", "shuffle", "checksum"}) {
    EXPECT_EQ(reader.load(name).shape(), (Shape{5, 7}));
    EXPECT_EQ(reader.load(name).to_vector<double>(), expected) << name;
  }
}

TEST(H5Reader, ReadsFromMemoryAndFromTheMiddleOfAFile) {
  const std::string content = read_file(fixture("packed"));
  H5Reader memory(bytes_of(content), "model.weights.h5");
  EXPECT_EQ(memory.load_all().find("gzip")->data.at({4, 6}), 34);
  expect_contains(error_of([&] { memory.load("x"); }), "model.weights.h5: /x: ");

  const TemporaryFolder folder;
  write_file(folder.path("archive"), "before" + content + "behind");
  H5Reader part(folder.path("archive"), 6, content.size());
  EXPECT_EQ(part.load("shuffle").at({4, 6}), 34);
  expect_contains(error_of([&] { H5Reader(folder.path("archive"), 6, content.size() + 7); }), "found a file of");
}

TEST(H5Reader, RefusesHostileFilesByName) {
  const std::vector<std::array<std::string, 2>> cases{
      {"soft_link", "/: 'soft': expected data in the file itself, found a soft link"},
      {"new_soft_link", "/: 'soft': expected data in the file itself, found a soft link"},
      {"external_link", "/: 'outside': expected data in the file itself, found an external link"},
      {"external_storage", "/data: expected data in the file itself, found external storage"},
      {"virtual_dataset", "/data: data layout: expected data stored in the file itself, found a virtual dataset"},
      {"never_written", "/data: expected 4398046511104 bytes of data, found none"},
      {"sparse_chunks", "/data: expected at least 4194304 bytes of data for shape (1048576,)"},
      {"lzf_filter", "/data: filters: expected the filters deflate (gzip), shuffle or fletcher32, found filter 32000"},
      {"compound", "/data: datatype: expected numbers, strings or bool, found compounds"},
      {"reference", "/data: datatype: expected numbers, strings or bool, found references"},
      {"variable_length", "/data: datatype: expected numbers, strings or bool, found sequences of variable length"},
      {"committed_type", "/data: a committed (named) datatype"},
      {"null_space", "/data: expected a dataset with values, found an empty one"},
      {"hard_link", "/data: expected a tree, found a second link"},
      {"cycle", "/a/b/back: expected a tree, found a second link"},
      {"deep", "/g/g: expected at most 64 groups inside each other"},
  };
  for (const auto& [name, message] : cases) {
    const std::string file = fixture(name);
    const std::string error = error_of([&] { H5Reader reader(file); });
    expect_contains(error, message);
    EXPECT_TRUE(error.starts_with(file + ": /")) << error;
  }
}

TEST(H5Reader, RefusesNumbersThatNoTypeHolds) {
  H5Reader reader(fixture("large_number"));
  expect_contains(error_of([&] { reader.load("data"); }), "/data: expected numbers that fit int64");
}

TEST(H5Reader, HoldsToTheLimitsOfTheCaller) {
  // 4 MiB of zeros in 7 KiB.
  EXPECT_NO_THROW(H5Reader(fixture("bomb")).load_all());
  const auto error = [](const std::string& name, H5Limits limits) {
    return error_of([&] { H5Reader(fixture(name), limits); });
  };
  expect_contains(error("bomb", {.free_bytes = 1 << 20}),
                  "/data: expected packed data that unpacks to at most 100 times the size of the file");
  expect_contains(error("bomb", {.max_bytes = 1 << 20}), "/data: expected at most 1048576 bytes of data in all");
  expect_contains(error("old_format", {.max_objects = 20}), "more groups");
  expect_contains(error("old_format", {.max_depth = 2}), "at most 2 groups");
}

TEST(H5Reader, SaysWhatAFileIsWhenItIsNotHdf5) {
  const TemporaryFolder folder;
  const std::string path = folder.path("x.h5");
  const auto error = [&] { return error_of([&] { H5Reader reader(path); }); };
  EXPECT_EQ(error(), path + ": cannot be opened: No such file or directory");
  write_file(path, "");
  EXPECT_EQ(error(), path + ": expected an HDF5 file, found an empty file");
  write_file(path, "PK\x03\x04 is the start of a zip archive");
  expect_contains(error(), "expected an HDF5 file, found other content");
  write_file(path, read_file(fixture("packed")).substr(0, 5000));
  expect_contains(error(), "the file is truncated: expected");
  expect_contains(error_of([&] { H5Reader reader(folder.path()); }), "expected a file, found a folder");
  ASSERT_EQ(::mkfifo(folder.path("pipe").c_str(), 0600), 0);
  expect_contains(error_of([&] { H5Reader reader(folder.path("pipe")); }), "found a device, pipe or socket");
  if (::geteuid() == 0) return;  // root may read everything
  ASSERT_EQ(::chmod(path.c_str(), 0), 0);
  EXPECT_EQ(error(), path + ": cannot be opened: Permission denied");
}

}  // namespace
}  // namespace keratin::detail
