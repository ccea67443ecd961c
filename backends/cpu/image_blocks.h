// Runs of steps that work image by image (any rows of a first axis), taken a block of images at a time: what passes
// from one step to the next then stays in the L2 cache instead of going through memory for the whole batch.
#pragma once

#include <cstdint>
#include <vector>

#include "keratin/core/runtime/plan.h"

namespace keratin::cpu {

// What blocks are made for.
struct BlockLimits {
  std::int64_t threads = 1;
  std::int64_t cache_bytes = 0;  // of the L2 cache that each thread has; 0: no blocks at all
};
// This machine's, with the threads in use.
BlockLimits block_limits();

// A chain: consecutive steps of a plan, and how they are run for one block after another. Every operand of a step
// - lies where the plan has it, as a whole: parameters and what they make;
// - or there, from the block's first row on: what comes from steps before the chain, or is read after it;
// - or in memory of the chain's own, which each block begins anew: what nobody else reads.
struct ImageBlocks {
  enum class Place { whole, rows, own };
  struct Operand {
    Place place = Place::whole;
    std::int64_t row_bytes = 0;  // rows: of one
    std::int64_t offset = 0;     // own: from the beginning of that memory
  };
  struct Member {
    std::vector<Operand> operands;  // inputs, then outputs
    bool once = false;              // it has nothing to do with images: computed with the first block only
  };

  std::size_t first = 0;               // of the plan's steps
  std::vector<Member> members;         // they and those behind it
  std::int64_t images = 0, block = 0;  // of the batch; taken at a time
  std::int64_t own_bytes = 0;
  Plan plan;  // the same steps on one block: what to prepare kernels for

  // The last block ends with the batch, and computes images of the one before again where they do not come out even.
  std::int64_t count() const { return (images + block - 1) / block; }
  std::int64_t begin(std::int64_t i) const { return (i + 1) * block <= images ? i * block : images - block; }
};

// The chains of a plan that are worth it: results are the same bits, and what passes between steps would not fit the
// cache otherwise. In order, none overlapping.
std::vector<ImageBlocks> find_image_blocks(const Plan& plan, const BlockLimits& limits);

}  // namespace keratin::cpu
