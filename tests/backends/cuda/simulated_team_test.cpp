// The simulated GPU's teams of threads: they compute what a GPU's do, and show what lacks a barrier.
#include <gtest/gtest.h>

#include <numeric>

#include "keratin/backends/cuda/device/launch.h"
#include "tests/modules/cuda_simulator/simulator.h"

namespace keratin::testing {
namespace {

using cuda::i64;

struct Add {
  float operator()(float a, float b) const { return a + b; }
};

class SimulatedTeam : public ::testing::TestWithParam<i64> {
 protected:
  void SetUp() override { ASSERT_EQ(cuda::runtime_api().stream_create(&stream_), 0); }
  void TearDown() override { cuda::runtime_api().stream_destroy(stream_); }
  int threads() const { return GetParam() <= cuda::kWarpWork ? cuda::kWarpThreads : cuda::kBlockThreads; }

  cuda::Stream stream_ = nullptr;
};

TEST_P(SimulatedTeam, EveryThreadHasTheSumOfAll) {
  const int n = threads();
  std::vector<float> sums(static_cast<std::size_t>(3 * n));
  cuda::for_each_team(stream_, 3, GetParam(), [&](const auto& team, i64 i) {
    const float once = team.reduce(static_cast<float>(team.rank() + i), Add());
    sums[static_cast<std::size_t>(i * team.size() + team.rank())] = team.reduce(once, Add());
  });
  for (int i = 0; i < 3; ++i) {
    const auto sum = static_cast<float>(n * (n - 1) / 2 + i * n);
    for (int rank = 0; rank < n; ++rank) EXPECT_EQ(sums[static_cast<std::size_t>(i * n + rank)], sum * float(n));
  }
}

// By pairs of a warp's lanes, then warp after warp; another order would round otherwise.
TEST_P(SimulatedTeam, AddsInTheOrderOfTheGpu) {
  const int n = threads();
  std::vector<float> values(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) values[static_cast<std::size_t>(i)] = 1.0f / float(1 + i * i % 97);
  std::vector<float> warps;
  for (int first = 0; first < n; first += cuda::kWarpThreads) {
    std::vector<float> lanes(values.begin() + first, values.begin() + first + cuda::kWarpThreads);
    for (std::size_t half = 16; half > 0; half /= 2) {
      for (std::size_t lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
    }
    warps.push_back(lanes[0]);
  }
  const float expected = std::accumulate(warps.begin() + 1, warps.end(), warps[0]);
  float sum = 0;
  cuda::for_each_team(stream_, 1, GetParam(), [&](const auto& team, i64) {
    const float all = team.reduce(values[static_cast<std::size_t>(team.rank())], Add());
    if (team.rank() == 0) sum = all;
  });
  EXPECT_EQ(sum, expected);
}

TEST_P(SimulatedTeam, AMissingBarrierIsSeen) {
  const int n = threads();
  // Each thread passes its number on to the next one. Whatever the order, one of them comes too early.
  const auto wrong = [&](bool barrier) {
    std::vector<i64> box(static_cast<std::size_t>(n)), got = box;
    int count = 0;
    for (int turn = 0; turn < 3; ++turn) {
      std::fill(box.begin(), box.end(), -1);
      cuda::for_each_team(stream_, 1, GetParam(), [&](const auto& team, i64) {
        const auto me = static_cast<std::size_t>(team.rank());
        box[me] = team.rank();
        if (barrier) team.synchronize();
        got[me] = box[(me + 1) % box.size()];
      });
      for (std::size_t i = 0; i < got.size(); ++i) count += got[i] != static_cast<i64>((i + 1) % got.size());
    }
    return count;
  };
  EXPECT_EQ(wrong(true), 0);
  EXPECT_GE(wrong(false), 3);
}

TEST_P(SimulatedTeam, WhoEndsBeforeABarrierBreaksARule) {
  keratin_cudasim_broken_rules();
  cuda::for_each_team(stream_, 1, GetParam(), [&](const auto& team, i64) {
    if (team.rank() != 5) team.synchronize();
  });
  const int waiting = threads() - 1;
  EXPECT_EQ(std::string(keratin_cudasim_broken_rules()),
            "1: " + std::to_string(waiting) + " threads of a team wait for 1 that have ended");
}

INSTANTIATE_TEST_SUITE_P(Teams, SimulatedTeam, ::testing::Values(cuda::kWarpWork, cuda::kWarpWork + 1),
                         [](const auto& info) { return info.index == 0 ? "Warp" : "Block"; });

TEST(SimulatedKernel, AnOverwrittenOperandIsSeen) {
  cuda::Stream stream = nullptr;
  ASSERT_EQ(cuda::runtime_api().stream_create(&stream), 0);
  // In place, though each thread reads its neighbour's element: right in one order only.
  int wrong = 0;
  for (int turn = 0; turn < 2; ++turn) {
    std::vector<i64> x(10);
    std::iota(x.begin(), x.end(), 0);
    cuda::for_each(stream, 9, [&](i64 i) { x[static_cast<std::size_t>(i)] = x[static_cast<std::size_t>(i + 1)]; });
    for (std::size_t i = 0; i < 9; ++i) wrong += x[i] != static_cast<i64>(i + 1);
  }
  EXPECT_EQ(wrong, 8);
  cuda::runtime_api().stream_destroy(stream);
}

TEST(SimulatedKernel, SharedMemoryIsNotCleared) {
  cuda::Stream stream = nullptr;
  ASSERT_EQ(cuda::runtime_api().stream_create(&stream), 0);
  struct Kernel {
    struct Shared {
      std::uint32_t word;
    };
    std::vector<std::uint32_t>* seen;
    void operator()(const cuda::SimulatedTeam& team, Shared& shared, i64 i) const {
      if (team.rank() == 0) {
        (*seen)[static_cast<std::size_t>(2 * i)] = shared.word;
        shared.word = static_cast<std::uint32_t>(i);
      }
      team.synchronize();
      if (team.rank() == 255) (*seen)[static_cast<std::size_t>(2 * i + 1)] = shared.word;
    }
  };
  std::vector<std::uint32_t> seen(4, 7);
  cuda::for_each_block(stream, 2, Kernel{&seen});
  EXPECT_EQ(seen, (std::vector<std::uint32_t>{0xffffffff, 0, 0xffffffff, 1}));
  cuda::runtime_api().stream_destroy(stream);
}

}  // namespace
}  // namespace keratin::testing
