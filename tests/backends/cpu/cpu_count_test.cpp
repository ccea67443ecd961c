#include "keratin/backends/cpu/cpu_count.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace keratin::cpu {
namespace {

// A file system of our own with /proc/self/cgroup and /sys/fs/cgroup.
class CpuCount : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string name = ::testing::UnitTest::GetInstance()->current_test_info()->name();
    root_ = std::filesystem::path(::testing::TempDir()) / ("keratin_cpu_count_" + name);
    std::filesystem::remove_all(root_);
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = root_ / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  double cpus() const { return cgroup_cpus(root_.string()); }

  std::filesystem::path root_;
};

TEST_F(CpuCount, NoCgroupMeansNoLimit) { EXPECT_EQ(cpus(), 0); }

TEST_F(CpuCount, Version2) {
  write("proc/self/cgroup", "0::/jobs/one\n");
  write("sys/fs/cgroup/jobs/one/cpu.max", "150000 100000\n");
  EXPECT_EQ(cpus(), 1.5);
}

TEST_F(CpuCount, Version2WithoutLimit) {
  write("proc/self/cgroup", "0::/jobs/one\n");
  write("sys/fs/cgroup/jobs/one/cpu.max", "max 100000\n");
  EXPECT_EQ(cpus(), 0);
}

TEST_F(CpuCount, AParentMayBeTighter) {
  write("proc/self/cgroup", "0::/jobs/one\n");
  write("sys/fs/cgroup/jobs/one/cpu.max", "800000 100000\n");
  write("sys/fs/cgroup/jobs/cpu.max", "300000 100000\n");
  EXPECT_EQ(cpus(), 3);
}

TEST_F(CpuCount, AContainerSeesItsLimitAtTheMountPoint) {
  write("proc/self/cgroup", "0::/system.slice/container.scope\n");
  write("sys/fs/cgroup/cpu.max", "200000 100000\n");
  EXPECT_EQ(cpus(), 2);
}

TEST_F(CpuCount, Version1) {
  write("proc/self/cgroup", "5:memory:/a\n4:cpu,cpuacct:/jobs\n");
  write("sys/fs/cgroup/cpu,cpuacct/jobs/cpu.cfs_quota_us", "400000\n");
  write("sys/fs/cgroup/cpu,cpuacct/jobs/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpus(), 4);
}

TEST_F(CpuCount, Version1WithoutLimit) {
  write("proc/self/cgroup", "4:cpu:/\n");
  write("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
  write("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpus(), 0);
}

TEST_F(CpuCount, NonsenseIsNoLimit) {
  write("proc/self/cgroup", "nonsense\n0::/\n");
  write("sys/fs/cgroup/cpu.max", "-5 0\n");
  EXPECT_EQ(cpus(), 0);
}

TEST_F(CpuCount, ThisMachine) {
  EXPECT_GE(usable_cpus(), 1);
  if (!affinity_cpus().empty()) {
    EXPECT_LE(usable_cpus(), static_cast<int>(affinity_cpus().size()));
  }
}

}  // namespace
}  // namespace keratin::cpu
