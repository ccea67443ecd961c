// The branches of graphs: what must keep its order does, on whatever streams; the rest need not wait.
#include "keratin/backends/cuda/branches.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <sstream>

#include "tests/backends/cuda/simulated_gpu.h"

namespace keratin::testing {
namespace {

using cuda::MemoryRange;
using cuda::MemoryUse;
using cuda::Placement;

MemoryUse use(std::vector<MemoryRange> reads, std::vector<MemoryRange> writes, bool first_stream_only = false) {
  return {std::move(reads), std::move(writes), first_stream_only};
}

// comes_before[i][j]: j begins only when i has ended.
std::vector<std::vector<bool>> orders(const std::vector<Placement>& placed) {
  std::vector<std::vector<bool>> before(placed.size(), std::vector<bool>(placed.size(), false));
  for (std::size_t j = 0; j < placed.size(); ++j) {
    std::vector<std::size_t> direct = placed[j].after;
    for (std::size_t i = 0; i < j; ++i) {
      if (placed[i].stream == placed[j].stream) direct.push_back(i);
    }
    for (const std::size_t i : direct) {
      before[i][j] = true;
      for (std::size_t k = 0; k < i; ++k) before[k][j] = before[k][j] || before[k][i];
    }
  }
  return before;
}

bool touch(const std::vector<MemoryRange>& a, const std::vector<MemoryRange>& b) {
  for (const MemoryRange& x : a) {
    for (const MemoryRange& y : b) {
      for (std::uintptr_t byte = x.begin; byte < x.end; ++byte) {
        if (y.begin <= byte && byte < y.end) return true;
      }
    }
  }
  return false;
}

TEST(Branches, WhatSharesMemoryKeepsItsOrder) {
  std::mt19937 random(7);
  const auto range = [&] {
    const std::uintptr_t begin = random() % 60;
    return MemoryRange{begin, begin + random() % 5};  // some are empty
  };
  for (std::size_t turn = 0; turn < 300; ++turn) {
    std::vector<MemoryUse> work;
    for (int i = 0; i < 25; ++i) work.push_back(use({range(), range()}, {range()}, random() % 3 == 0));
    const std::vector<Placement> placed = cuda::place_on_streams(work, 1 + turn % 4);
    const auto before = orders(placed);
    ASSERT_EQ(placed.size(), work.size());
    for (std::size_t j = 0; j < work.size(); ++j) {
      EXPECT_LE(placed[j].stream, work[j].first_stream_only ? 0 : turn % 4);
      for (std::size_t i = 0; i < j; ++i) {
        const bool shared = touch(work[i].writes, work[j].reads) || touch(work[i].reads, work[j].writes) ||
                            touch(work[i].writes, work[j].writes);
        ASSERT_TRUE(!shared || before[i][j]) << "work " << i << " and " << j << " of turn " << turn;
      }
    }
  }
}

TEST(Branches, WhatSharesNothingDoesNotWait) {
  const MemoryRange x{0, 8}, y{8, 16}, z{16, 24}, loss{24, 28}, sum{28, 32};
  const std::vector<Placement> placed = cuda::place_on_streams({use({x}, {y}, true),        // a product
                                                                use({y}, {loss}),           // goes on from it
                                                                use({y}, {z}, true),        // another product
                                                                use({loss}, {sum}),         // of the loss
                                                                use({z, sum}, {x}, true)},  // needs both
                                                               3);
  EXPECT_EQ(placed[0].stream, 0u);
  EXPECT_EQ(placed[1].stream, 0u);
  EXPECT_EQ(placed[2].stream, 0u);
  EXPECT_NE(placed[3].stream, 0u);
  EXPECT_EQ(placed[3].after, std::vector<std::size_t>{1});
  EXPECT_EQ(placed[4].after, std::vector<std::size_t>{3});
}

TEST(Branches, AStepOfTrainingIsNotAChain) {
  if (!have_simulated_gpu()) GTEST_SKIP() << "this build has no backend modules";
  struct GraphShape {
    int nodes = 0, depth = 0;
  };
  const auto shape = [](const char* graph) {
    const ScopedEnvironment scoped("KERATIN_CUDA_GRAPH", graph);
    const Gpu gpu("");
    const DeviceScope scope(gpu.device());
    Sequential model;
    model.add(Input({30}));
    model.add(Dense(16, {.activation = "relu"}));
    model.add(Dense(4, {.activation = "softmax"}));
    model.compile("adam", "sparse_categorical_crossentropy", {"accuracy"});
    model.fit(Tensor(Shape{256, 30}, DType::float32), Tensor(Shape{256}, DType::int32),
              {.batch_size = 64, .epochs = 2, .verbose = 0});
    GraphShape found;
    std::istringstream(gpu.graph_shape()) >> found.nodes >> found.depth;
    return found;
  };
  const GraphShape chain = shape("chain"), branches = shape("1");
  EXPECT_GT(chain.nodes, 15);
  EXPECT_EQ(chain.depth, chain.nodes);
  EXPECT_EQ(branches.nodes, chain.nodes);
  EXPECT_LE(branches.depth * 3, branches.nodes * 2) << branches.nodes << " nodes";
  RecordProperty("nodes", branches.nodes);
  RecordProperty("depth", branches.depth);
  std::printf("%d nodes, %d deep\n", branches.nodes, branches.depth);
}

}  // namespace
}  // namespace keratin::testing
