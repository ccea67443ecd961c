// The models that keratin bench trains, with made-up data of their usual sizes.
#pragma once

#include <span>
#include <string>

#include "keratin/keratin.h"

namespace keratin::tools {

struct BenchModel {
  const char* id;           // for --models
  const char* description;  // "Dense 128, Dense 10 on 784 inputs, 60000 samples"
  std::int64_t samples;     // of one epoch
  Shape sample;             // shape of one
  Model (*make)();          // not compiled; ends in a softmax over 10 classes
};

std::span<const BenchModel> bench_models();

// uint8 images or float features, and int32 labels of 10 classes: the same for every run.
std::pair<Tensor, Tensor> made_up_data(const BenchModel& model);

}  // namespace keratin::tools
