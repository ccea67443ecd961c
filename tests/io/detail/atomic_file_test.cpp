#include "keratin/io/detail/atomic_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <stdexcept>

#include "keratin/core/tensor/errors.h"
#include "tests/io/temporary_folder.h"

namespace keratin::detail {
namespace {

using keratin::testing::read_file;
using keratin::testing::TemporaryFolder;
using keratin::testing::write_file;

std::string error_of(const std::string& path) {
  try {
    AtomicFile file(path);
  } catch (const FileError& error) {
    return error.what();
  }
  return "no error";
}

TEST(AtomicFile, AppearsOnlyAfterCommit) {
  TemporaryFolder folder;
  const std::string path = folder.path("a.txt");
  AtomicFile file(path);
  file.write("hello ");
  file.write("world");
  EXPECT_FALSE(std::filesystem::exists(path));
  EXPECT_TRUE(std::filesystem::exists(file.temporary_path()));
  file.commit();
  EXPECT_EQ(read_file(path), "hello world");
  EXPECT_EQ(folder.files(), 1u);
}

TEST(AtomicFile, WithoutCommitTheOldFileStaysAndNothingIsLeft) {
  TemporaryFolder folder;
  const std::string path = folder.path("a.txt");
  write_file(path, "old");
  try {
    AtomicFile file(path);
    file.write("half of the new");
    throw std::runtime_error("in the middle");
  } catch (const std::runtime_error&) {
  }
  EXPECT_EQ(read_file(path), "old");
  EXPECT_EQ(folder.files(), 1u);
}

TEST(AtomicFile, TakesWhatALibraryWroteByName) {
  TemporaryFolder folder;
  AtomicFile file(folder.path("a.h5"));
  write_file(file.temporary_path(), "written by name");
  file.commit();
  EXPECT_EQ(read_file(folder.path("a.h5")), "written by name");
}

TEST(AtomicFile, KeepsLinksAndPermissions) {
  TemporaryFolder folder;
  write_file(folder.path("real"), "old");
  ::chmod(folder.path("real").c_str(), 0640);
  std::filesystem::create_symlink("real", folder.path("link"));
  write_file_atomically(folder.path("link"), "new");
  EXPECT_TRUE(std::filesystem::is_symlink(folder.path("link")));
  EXPECT_EQ(read_file(folder.path("real")), "new");
  EXPECT_EQ(std::filesystem::status(folder.path("real")).permissions(), std::filesystem::perms(0640));
}

TEST(AtomicFile, TwoWritersOfOnePathDoNotMeet) {
  TemporaryFolder folder;
  AtomicFile first(folder.path("a")), second(folder.path("a"));
  EXPECT_NE(first.temporary_path(), second.temporary_path());
  first.write("first");
  second.write("second");
  second.commit();
  first.commit();
  EXPECT_EQ(read_file(folder.path("a")), "first");
  EXPECT_EQ(folder.files(), 1u);
}

TEST(AtomicFile, SaysWhatIsWrong) {
  TemporaryFolder folder;
  const std::string missing = error_of(folder.path("no/such/folder/a.txt"));
  EXPECT_NE(missing.find("no/such/folder/a.txt"), std::string::npos) << missing;
  EXPECT_NE(missing.find("No such file or directory (create the folder first)"), std::string::npos) << missing;
  EXPECT_NE(error_of(folder.path()).find("found a folder"), std::string::npos);
  EXPECT_NE(error_of("/dev/null").find("found a device"), std::string::npos);
  EXPECT_NE(error_of("").find("without a name"), std::string::npos);
  EXPECT_NE(error_of(folder.path(std::string(300, 'x'))).find("File name too long"), std::string::npos);
}

TEST(AtomicFile, AFailedCommitLeavesTheOldFile) {
  TemporaryFolder folder;
  write_file(folder.path("a"), "old");
  AtomicFile file(folder.path("a"));
  std::filesystem::remove(file.temporary_path());
  EXPECT_THROW(file.commit(), FileError);
  EXPECT_EQ(read_file(folder.path("a")), "old");
}

}  // namespace
}  // namespace keratin::detail
