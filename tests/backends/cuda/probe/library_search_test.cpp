// CUDA's libraries are found in the stated order; what is damaged, incomplete or of another version is passed over and
// named.
#include "keratin/backends/cuda/probe/library_search.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

#include <cstdio>

#include "tests/backends/cuda/probe/made_up_system.h"

namespace keratin::testing {
namespace {

using probe::CudaLibraries;
using probe::LibrarySearch;

// A shared library that is there in every build, also in a static one: the C library.
std::string c_library() {
  Dl_info info = {};
  return dladdr(reinterpret_cast<const void*>(&std::fopen), &info) != 0 && info.dli_fname ? info.dli_fname : "";
}

class LibrarySearchTest : public ::testing::Test, protected MadeUpSystem {
 protected:
  // Any complete shared library will do: the search looks at files and opens none.
  void add_library(const std::string& path) { add_link(path, library_); }
  void add_cudnn(const std::string& at, const std::string& without = "") {
    add_copied("/" + at + "/libcudnn.so.9");
    for (const std::string& part : probe::cudnn_parts()) {
      if (part != without) add_library("/" + at + "/" + part);
    }
  }
  // cuDNN's parts stand beside the file and not beside a link to it, so the file must be one.
  void add_copied(const std::string& path) {
    if (small_.empty()) {
      const std::string whole = read_file(library_);
      small_ = whole.substr(0, 64);  // a header alone, with no segments and no sections: complete in itself
      small_.replace(40, 8, 8, '\0');
      small_.replace(56, 2, 2, '\0');
      small_.replace(60, 2, 2, '\0');
    }
    add_file(path, small_);
  }
  CudaLibraries find(const std::string& module = "") { return probe::find_cuda_libraries(system, 13, module); }
  std::string at(const std::string& path) const { return folder.path() + path; }

  std::string library_ = c_library(), small_;
};

TEST_F(LibrarySearchTest, FollowsTheStatedOrder) {
  environment = {{"KERATIN_CUDA_PATH", "relative:/none:/opt/mine"},
                 {"LD_LIBRARY_PATH", "/opt/ld"},
                 {"VIRTUAL_ENV", "/venv"},
                 {"CONDA_PREFIX", "/conda"},
                 {"PATH", "relative/bin:/py/bin:/other/bin"},
                 {"CUDA_HOME", "/opt/toolkit"},
                 {"HOME", "/home/me"}};
  add_file("/py/bin/python3");
  add_file("/etc/ld.so.conf.d/cuda.conf", "# CUDA\n/opt/configured\n");
  const struct {
    const char* folder;
    const char* why;
  } places[] = {{"/opt/mine/lib64", "KERATIN_CUDA_PATH"},
                {"/opt/mine/nvidia/cu13/lib", "KERATIN_CUDA_PATH"},
                {"/opt/ld", "LD_LIBRARY_PATH"},
                {"/app/lib/keratin", "next to the backend module"},
                {"/app/nvidia/cu13/lib", "next to the backend module"},
                {"/venv/lib/python3.12/site-packages/nvidia/cublas/lib", "the virtualenv's wheels"},
                {"/venv/lib/python3.9/site-packages/nvidia/cu13/lib", "the virtualenv's wheels"},
                {"/conda/lib", "the conda environment"},
                {"/conda/lib/python3.11/site-packages/nvidia/cu13/lib", "the conda environment's wheels"},
                {"/py/lib/python3.11/site-packages/nvidia/cu13/lib", "the wheels of /py/bin/python3"},
                {"/home/me/.local/lib/python3.11/site-packages/nvidia/cu13/lib", "the user's wheels"},
                {"/opt/toolkit/lib64", "CUDA_HOME"},
                {"/usr/local/cuda/lib64", "the CUDA toolkit"},
                {"/usr/local/cuda-13.1/lib64", "the CUDA toolkit"},
                {"/usr/local/cuda-13.0/lib64", "the CUDA toolkit"},
                {"/opt/configured", "ldconfig"},
                {"/usr/lib/x86_64-linux-gnu", "ldconfig"}};
  for (const auto& place : places) add_library(std::string(place.folder) + "/libcublasLt.so.13");
  for (const auto& place : places) {
    const LibrarySearch found = find("/app/lib/keratin/libkeratin_cuda13.so").cublas_lt;
    EXPECT_EQ(found.path, at(std::string(place.folder) + "/libcublasLt.so.13"));
    EXPECT_EQ(found.why, place.why) << place.folder;
    std::filesystem::remove(at(std::string(place.folder) + "/libcublasLt.so.13"));
  }
  const LibrarySearch none = find().cublas_lt;
  EXPECT_FALSE(none.found());
  EXPECT_NE(none.failure().find("libcublasLt.so.13 was not found; looked in KERATIN_CUDA_PATH (/opt/mine"),
            std::string::npos)
      << none.failure();
  EXPECT_NE(none.failure().find("), LD_LIBRARY_PATH (/opt/ld), the virtualenv's wheels ("), std::string::npos)
      << none.failure();
}

TEST_F(LibrarySearchTest, WhatIsLoadedAlreadyComesFirst) {
  environment["KERATIN_CUDA_PATH"] = "/opt/mine";
  add_library("/opt/mine/libcublasLt.so.13");
  add_library("/torch/libcublasLt.so.13");
  loaded["libcublasLt.so.13"] = at("/torch/libcublasLt.so.13");
  EXPECT_EQ(find().cublas_lt.path, at("/torch/libcublasLt.so.13"));
  EXPECT_EQ(find().cublas_lt.why, "already loaded");
}

TEST_F(LibrarySearchTest, CudnnComesWithItsParts) {
  environment["VIRTUAL_ENV"] = "/venv";
  const std::string packages = "/venv/lib/python3.12/site-packages";
  add_cudnn(packages.substr(1) + "/nvidia/cudnn/lib");
  add_folder(packages + "/nvidia_cudnn_cu13-9.19.0.56.dist-info");
  const LibrarySearch found = find().cudnn;
  EXPECT_EQ(found.path, at(packages + "/nvidia/cudnn/lib/libcudnn.so.9"));
  EXPECT_EQ(found.version, "9.19.0.56");
  ASSERT_EQ(found.parts.size(), probe::cudnn_parts().size());
  EXPECT_TRUE(found.parts.front().ends_with("/nvidia/cudnn/lib/libcudnn_graph.so.9")) << found.parts.front();
}

TEST_F(LibrarySearchTest, AnIncompleteCudnnIsPassedOverOrNamed) {
  environment["KERATIN_CUDA_PATH"] = "/opt/lone:/opt/whole";
  add_cudnn("opt/lone", "libcudnn_cnn.so.9");
  const LibrarySearch incomplete = find().cudnn;
  EXPECT_FALSE(incomplete.found());
  EXPECT_EQ(incomplete.missing_parts, std::vector<std::string>{"libcudnn_cnn.so.9"});
  EXPECT_EQ(incomplete.failure(),
            at("/opt/lone/libcudnn.so.9") + " lacks libcudnn_cnn.so.9, which must stand beside it");
  add_cudnn("opt/whole");
  const LibrarySearch whole = find().cudnn;
  EXPECT_EQ(whole.path, at("/opt/whole/libcudnn.so.9"));
  EXPECT_TRUE(whole.missing_parts.empty());
  EXPECT_EQ(whole.failure(), "");
}

// cuDNN 9.28 has libcudnn_ext.so.9 and libcudnn_engines_tensor_ir.so.9, which the versions before it lack.
TEST_F(LibrarySearchTest, PartsOfNewerCudnnMustBeWhole) {
  environment["KERATIN_CUDA_PATH"] = "/opt/new";
  add_cudnn("opt/new");
  add_library("/opt/new/libcudnn_ext.so.9");
  add_file("/opt/new/libcudnn_ext.so.8", "of another major version");
  LibrarySearch found = find().cudnn;
  EXPECT_EQ(found.path, at("/opt/new/libcudnn.so.9"));
  EXPECT_EQ(found.parts.size(), probe::cudnn_parts().size()) << "cuDNN opens the others itself";
  add_file("/opt/new/libcudnn_engines_tensor_ir.so.9", "an interrupted download");
  found = find().cudnn;
  EXPECT_FALSE(found.found());
  EXPECT_EQ(found.cause("cudnn"), "cudnn_broken");
  EXPECT_EQ(found.failure(), at("/opt/new/libcudnn.so.9") +
                                 " lacks libcudnn_engines_tensor_ir.so.9, which must stand beside it; of "
                                 "libcudnn_engines_tensor_ir.so.9: it is not a shared library");
}

TEST_F(LibrarySearchTest, DamagedFilesArePassedOver) {
  environment["LD_LIBRARY_PATH"] = "/a:/b:/c";
  add_file("/a/libcublasLt.so.13", "an interrupted download");
  add_file("/b/libcublasLt.so.13", read_file(library_).substr(0, 5000));
  LibrarySearch found = find().cublas_lt;
  EXPECT_FALSE(found.found());
  ASSERT_EQ(found.rejected.size(), 2u);
  EXPECT_EQ(found.rejected[0].why, "it is not a shared library");
  EXPECT_NE(found.rejected[1].why.find("cut off"), std::string::npos);
  EXPECT_NE(found.failure().find("cannot be used"), std::string::npos);
  add_library("/c/libcublasLt.so.13");
  EXPECT_EQ(find().cublas_lt.path, at("/c/libcublasLt.so.13"));
}

TEST_F(LibrarySearchTest, OtherMajorVersionsAreNamed) {
  environment["LD_LIBRARY_PATH"] = "/a";
  for (const char* name : {"libcublasLt.so.12", "libcublasLt.so", "libcudnn.so.8", "libcudnn.so.8.9.7"}) {
    add_library(std::string("/a/") + name);
  }
  const CudaLibraries found = find();
  EXPECT_EQ(found.cublas_lt.other_majors, std::vector<std::string>{at("/a/libcublasLt.so.12")});
  EXPECT_EQ(found.cudnn.other_majors, std::vector<std::string>{at("/a/libcudnn.so.8")});
  EXPECT_NE(found.cudnn.failure().find("only another major version was found, not libcudnn.so.9"), std::string::npos);
}

TEST_F(LibrarySearchTest, NeitherStubsNorTheCurrentDirectory) {
  environment = {{"LD_LIBRARY_PATH", ".:lib:/opt/lib64/stubs"}, {"KERATIN_CUDA_PATH", "."}, {"VIRTUAL_ENV", "venv"}};
  add_library("/opt/lib64/stubs/libcublasLt.so.13");
  const LibrarySearch found = find().cublas_lt;
  EXPECT_FALSE(found.found());
  EXPECT_TRUE(found.searched.empty());
  EXPECT_EQ(found.failure(), "libcublasLt.so.13 was not found; looked in no folder at all");
}

TEST_F(LibrarySearchTest, VersionsComeFromFileNames) {
  environment["LD_LIBRARY_PATH"] = "/a";
  add_copied("/a/libcublasLt.so.13.1.0.3");
  add_link("/a/libcublasLt.so.13", "libcublasLt.so.13.1.0.3");
  EXPECT_EQ(find().cublas_lt.version, "13.1.0.3");
}

}  // namespace
}  // namespace keratin::testing
