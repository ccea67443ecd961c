// scripts/download_mnist.sh, as far as it can be tested without a network and without the real files.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "tests/io/temporary_folder.h"
#include "tests/support/source_path.h"

namespace keratin {
namespace {

using keratin::testing::read_file;
using keratin::testing::source_path;
using keratin::testing::TemporaryFolder;
using keratin::testing::write_file;

class DownloadMnist : public ::testing::Test {
 protected:
  void SetUp() override {
    if (std::system("command -v curl > /dev/null") != 0) GTEST_SKIP() << "curl is not installed";
    std::filesystem::create_directory(folder_.path("mirror"));
  }

  // The exit status; what was printed is in output_.
  int download(const std::string& arguments) {
    const std::string log = folder_.path("log");
    const std::string command = "KERATIN_MIRRORS='file://" + folder_.path("nowhere") + " file://" +
                                folder_.path("mirror") + "' sh '" + source_path("scripts/download_mnist.sh") + "' " +
                                arguments + " > '" + log + "' 2>&1";
    const int status = std::system(command.c_str());
    output_ = read_file(log);
    return WEXITSTATUS(status);
  }
  std::string target() const { return "'" + folder_.path("data") + "'"; }

  TemporaryFolder folder_;
  std::string output_;
};

TEST_F(DownloadMnist, FailsWithoutAMirrorAndLeavesNothing) {
  EXPECT_EQ(download(target()), 1);
  EXPECT_NE(output_.find("Check the network"), std::string::npos) << output_;
  EXPECT_TRUE(std::filesystem::is_empty(folder_.path("data")));
}

TEST_F(DownloadMnist, DoesNotKeepAFileWithAnotherSum) {
  write_file(folder_.path("mirror/train-images-idx3-ubyte.gz"), "a web page that says hello");
  for (const char* option : {"", "--fashion "}) {
    EXPECT_EQ(download(option + target()), 1);
    EXPECT_NE(output_.find("the SHA-256 is"), std::string::npos) << output_;
    EXPECT_NE(output_.find("not used"), std::string::npos) << output_;
    EXPECT_TRUE(std::filesystem::is_empty(folder_.path("data")));
  }
}

TEST_F(DownloadMnist, ExplainsItself) {
  EXPECT_EQ(download("--help"), 0);
  EXPECT_NE(output_.find("[--fashion] [DIRECTORY]"), std::string::npos);
  EXPECT_EQ(download("--mnist"), 2);
  EXPECT_NE(output_.find("unknown option '--mnist'"), std::string::npos);
  EXPECT_EQ(download("a b"), 2);
}

}  // namespace
}  // namespace keratin
