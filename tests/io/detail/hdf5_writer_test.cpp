#include "keratin/io/detail/hdf5_writer.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <thread>

#include "keratin/core/tensor/errors.h"
#include "keratin/io/detail/hdf5_reader.h"
#include "tests/io/temporary_folder.h"

namespace keratin::detail {
namespace {

using testing::read_file;
using testing::TemporaryFolder;
using testing::write_file;

H5Node model() {
  H5Node root;
  root.set_attribute("name", "Größe 層");
  root.set_attribute("empty", "");
  root.set_attribute("config", std::string(200'000, 'j'));  // longer than an object header
  root.set_attribute("list", std::vector<std::string>{"a", "", "ccc"});
  root.set_attribute("no_strings", std::vector<std::string>{});
  root.set_attribute("numbers", Tensor({2}, {1.5, -2.5}));
  root.set_attribute("count", Tensor::scalar<std::int64_t>(1));
  root.group("layers/re_lu/vars");
  root.dataset("layers/dense/vars/0", Tensor({2, 3}, {1.f, 2.f, 3.f, 4.f, 5.f, 6.f}));
  root.dataset("layers/層/float64", Tensor({1}, {0.1}));
  root.dataset("types/int32", Tensor::scalar<std::int32_t>(-7));
  root.dataset("types/int64", Tensor({2}, {std::int64_t{1} << 40, std::int64_t{-1}}));
  root.dataset("types/uint8", Tensor({1, 2}, {std::uint8_t{0}, std::uint8_t{255}}));
  root.dataset("types/bool", Tensor({3}, {true, false, true}));
  root.dataset("types/empty", Tensor(Shape{0, 5}, DType::float64));
  root.group("types").set_attribute("dtype", "float32");
  return root;
}

H5Node read(const std::string& path) { return H5Reader(path).load_all(); }

void expect_equal(const Tensor& a, const Tensor& b, const std::string& where) {
  ASSERT_EQ(a.dtype(), b.dtype()) << where;
  ASSERT_EQ(a.shape(), b.shape()) << where;
  visit_dtype(a.dtype(), [&]<class T>() { EXPECT_EQ(a.to_vector<T>(), b.to_vector<T>()) << where; });
}

void expect_equal(const H5Node& a, const H5Node& b, const std::string& where) {
  ASSERT_EQ(a.is_dataset, b.is_dataset) << where;
  if (a.is_dataset) expect_equal(a.data, b.data, where);
  ASSERT_EQ(a.attributes.size(), b.attributes.size()) << where;
  for (const H5Attribute& attribute : a.attributes) {
    const std::string at = where + "@" + attribute.name;
    const H5Value* other = b.attribute(attribute.name);
    ASSERT_NE(other, nullptr) << at;
    ASSERT_EQ(attribute.value.index(), other->index()) << at;
    if (const auto* text = std::get_if<std::string>(&attribute.value)) {
      EXPECT_EQ(*text, std::get<std::string>(*other)) << at;
    }
    if (const auto* list = std::get_if<std::vector<std::string>>(&attribute.value)) {
      EXPECT_EQ(*list, std::get<std::vector<std::string>>(*other)) << at;
    }
    if (const auto* tensor = std::get_if<Tensor>(&attribute.value)) expect_equal(*tensor, std::get<Tensor>(*other), at);
  }
  ASSERT_EQ(a.children.size(), b.children.size()) << where;
  for (const H5Node& child : a.children) {
    const H5Node* other = b.find(child.name);
    ASSERT_NE(other, nullptr) << where << "/" << child.name;
    expect_equal(child, *other, where + "/" + child.name);
  }
}

TEST(H5Writer, RoundTripsThroughAFileAndThroughMemory) {
  const TemporaryFolder folder;
  const H5Node written = model();
  write_hdf5(folder.path("m.h5"), written);
  expect_equal(written, read(folder.path("m.h5")), "");
  expect_equal(written, H5Reader(write_hdf5_to_memory(written), "memory").load_all(), "");
  EXPECT_EQ(folder.files(), 1u);
}

TEST(H5Writer, RoundTripsManyGroupsAndLongNameLists) {
  H5Node root;
  std::vector<std::string> names;
  for (int i = 0; i < 5000; ++i) {
    names.push_back("layer_" + std::to_string(i));
    root.children.emplace_back().name = names.back();
  }
  root.set_strings("layer_names", names);
  const H5Node back = H5Reader(write_hdf5_to_memory(root), "memory").load_all();
  EXPECT_EQ(back.children.size(), names.size());
  EXPECT_EQ(back.strings("layer_names"), names);
}

TEST(H5Writer, EqualTreesGiveEqualBytes) {
  const TemporaryFolder folder;
  write_hdf5(folder.path("a.h5"), model());
  // HDF5 would store times in seconds.
  for (const std::time_t start = std::time(nullptr); std::time(nullptr) == start;) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  write_hdf5(folder.path("b.h5"), model());
  EXPECT_EQ(read_file(folder.path("a.h5")), read_file(folder.path("b.h5")));
}

TEST(H5Writer, AFailedWriteLeavesTheOldFileAndNothingElse) {
  const TemporaryFolder folder;
  const std::string path = folder.path("m.h5");
  write_file(path, "old");
  H5Node bad = model();
  bad.group("zzz").set_attribute("text", std::string("zero\0byte", 9));
  EXPECT_THROW(write_hdf5(path, bad), InvalidArgument);
  H5Node missing = model();
  missing.dataset("zzz", Tensor::scalar(1.f)).data = Tensor();
  EXPECT_THROW(write_hdf5(path, missing), InvalidArgument);
  H5Node twice = model();
  twice.children.emplace_back().name = "layers";
  try {
    write_hdf5(path, twice);
    FAIL();
  } catch (const FileError& error) {
    EXPECT_TRUE(std::string(error.what()).starts_with(path + ": cannot create the group '/layers': ")) << error.what();
  }
  H5Node slash = model();
  slash.children.emplace_back().name = "a/b";
  EXPECT_THROW(write_hdf5(path, slash), InvalidArgument);
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(folder.files(), 1u);
}

TEST(H5Writer, RefusesFoldersThatAreNotThere) {
  const TemporaryFolder folder;
  EXPECT_THROW(write_hdf5(folder.path("missing/m.h5"), model()), FileError);
  EXPECT_THROW(write_hdf5(folder.path(), model()), FileError);
}

TEST(H5Writer, ThreadsTakeTurns) {
  const TemporaryFolder folder;
  const H5Node tree = model();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 5; ++i) {
        write_hdf5(folder.path(std::to_string(t) + ".h5"), tree);
        H5Reader(folder.path(std::to_string(t) + ".h5")).load_all();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (int t = 0; t < 4; ++t) expect_equal(tree, read(folder.path(std::to_string(t) + ".h5")), "");
}

// A process that saves over and over is killed at some moment: the file is one of those it saved, whole.
TEST(H5Writer, AKillLeavesAReadableFile) {
  const TemporaryFolder folder;
  const std::string path = folder.path("m.h5");
  const auto version = [](std::int64_t number) {
    H5Node root;
    root.dataset("layers/dense/vars/0", Tensor::full({200, 100}, static_cast<double>(number)));
    root.group("layers/dense/vars").set_attribute("name", "dense");
    return root;
  };
  write_hdf5(path, version(0));
  for (int round = 0; round < 6; ++round) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      for (std::int64_t i = 1;; ++i) {
        try {
          write_hdf5(path, version(i % 1000));
        } catch (...) {
          ::_exit(1);
        }
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + 7 * round));
    ::kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    const Tensor values = H5Reader(path).load("layers/dense/vars/0");
    ASSERT_EQ(values.shape(), (Shape{200, 100}));
    const auto numbers = values.to_vector<float>();
    EXPECT_TRUE(std::all_of(numbers.begin(), numbers.end(), [&](float x) { return x == numbers[0]; }));
  }
}

}  // namespace
}  // namespace keratin::detail
