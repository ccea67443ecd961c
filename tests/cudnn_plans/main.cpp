// cuDNN plans without a GPU: for every convolution of the examples and benchmark models, in all three directions, does
// cuDNN accept our graph and make a plan of it for a described device? Support is what this proves, not numbers, not
// speed. Needs libcudnn 9.8 or newer and no driver; ends with 77 (skipped) where there is none.
//
//   keratin_cudnn_plans <compute capability, e.g. 90> [major version of CUDA, 13 unless told]
//   keratin_cudnn_plans --dump      on a machine with a GPU: how cuDNN describes it
#include <dlfcn.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <set>
#include <string>
#include <vector>

#include "keratin/backends/cuda/api/open.h"
#include "keratin/backends/cuda/conv_plan.h"
#include "keratin/backends/cuda/recurrent_plan.h"
#include "keratin/core/graph/node.h"
#include "keratin/core/ops/conv.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/tools/bench/models.h"

namespace {

using namespace keratin;

constexpr int kSkipped = 77;

// What is public of an H200, and where another one differs; not read from a real card. cuDNN 9.28 asks for the memory's
// bus, which older versions pass over.
std::string device_description(int capability) {
  const bool ampere = capability < 90, consumer = capability >= 120;
  const std::string name = ampere ? "NVIDIA A100-SXM4-40GB" : consumer ? "NVIDIA GeForce RTX 5090" : "NVIDIA H200";
  const int processors = ampere ? 108 : consumer ? 170 : 132;
  const int shared = ampere ? 166912 : consumer ? 101376 : 232448;
  const int threads = consumer ? 1536 : 2048;
  return R"({"maxGridSize":[2147483647,65535,65535],"maxBlockSize":[1024,1024,64],"regsPerBlock":65536,)"
         R"("multiProcessorCount":)" +
         std::to_string(processors) + R"(,"warpSize":32,"maxSharedMemoryPerBlock":49152,)" +
         R"("maxSharedMemoryPerBlockOptin":)" + std::to_string(shared) +
         R"(,"reservedSharedMemoryPerBlock":1024,"maxRegistersPerSM":65536,"maxCtasPerSM":)" +
         std::to_string(consumer ? 24 : 32) + R"(,"maxThreadsPerBlock":1024,"maxThreadsPerSM":)" +
         std::to_string(threads) +
         R"(,"pciDeviceId":0,"isTccDriver":0,"supportCoopLaunch":1,"totalGlobalMem":42949672960,)" +
         R"("smClockRateKHz":1980000,"memClockRateKHz":3201000,"memoryBusWidth":)" +
         std::to_string(ampere     ? 5120
                        : consumer ? 512
                                   : 6144) +
         R"(,"l2CacheSize":)" + std::to_string(ampere ? 41943040 : 62914560) + R"(,"cudaDeviceId":0,"deviceVer":)" +
         std::to_string(capability * 10) + R"(,"driverVer":13000,"deviceName":")" + name + R"("})";
}

constexpr std::int64_t kMnist = 60000, kTutorial = 1000, kSmallImages = 50000;

struct Case {
  const char* where;
  std::int64_t samples;
  std::int64_t size, channels, filters, window, stride;
  const char* padding;
};
// Every convolution of the examples and of `keratin bench`'s models.
constexpr Case kCases[] = {
    {"mnist_cnn, first", kMnist, 28, 1, 32, 3, 1, "valid"},
    {"mnist_cnn, second", kMnist, 13, 32, 64, 3, 1, "valid"},
    {"two convolutions in a row", kMnist, 26, 32, 64, 3, 1, "valid"},
    {"the tutorials' 28x28x3", kTutorial, 28, 3, 32, 3, 1, "valid"},
    {"28x28x3, same", kTutorial, 28, 3, 32, 3, 1, "same"},
    {"LeNet, first", kMnist, 28, 1, 6, 5, 1, "same"},
    {"LeNet, second", kMnist, 14, 6, 16, 5, 1, "valid"},
    {"resnet, first", kSmallImages, 32, 3, 16, 3, 1, "same"},
    {"resnet, stage 1", kSmallImages, 32, 16, 16, 3, 1, "same"},
    {"resnet, into stage 2", kSmallImages, 32, 16, 32, 3, 2, "same"},
    {"resnet, shortcut 2", kSmallImages, 32, 16, 32, 1, 2, "same"},
    {"resnet, stage 2", kSmallImages, 16, 32, 32, 3, 1, "same"},
    {"resnet, into stage 3", kSmallImages, 16, 32, 64, 3, 2, "same"},
    {"resnet, shortcut 3", kSmallImages, 16, 32, 64, 1, 2, "same"},
    {"resnet, stage 3", kSmallImages, 8, 64, 64, 3, 1, "same"},
    {"resnet, into stage 4", kSmallImages, 8, 64, 128, 3, 2, "same"},
};

// Whether kCases has every convolution of `keratin bench`'s models, among which are those of the examples.
bool all_are_cases() {
  bool all = true;
  for (const tools::BenchModel& model : tools::bench_models()) {
    const Model made = model.make();
    for (const NodePtr& node : topological_order(made.outputs())) {
      if (node->is_op() || node->layer()->class_name() != "Conv2D") continue;
      const Shape &x = node->inputs().front().shape(), &y = node->outputs().front().shape;
      const Shape kernel = made.get_layer(node->layer()->name()).trainable_variables().front().shape();
      const auto is_it = [&](const Case& c) {
        const Padding2D pads = resolve_padding(c.padding, {c.size, c.size}, {c.window, c.window}, {c.stride, c.stride});
        const std::int64_t out = (c.size + pads.before[0] + pads.after[0] - c.window) / c.stride + 1;
        return x == Shape{x[0], c.size, c.size, c.channels} && y == Shape{y[0], out, out, c.filters} &&
               kernel == Shape{c.window, c.window, c.channels, c.filters};
      };
      if (std::any_of(std::begin(kCases), std::end(kCases), is_it)) continue;
      all = false;
      std::printf("%s: %s, a convolution of %s by %s, is not among the cases\n", model.id,
                  node->layer()->name().c_str(), x.to_string().c_str(), kernel.to_string().c_str());
    }
  }
  return all;
}

// Those of `keratin bench` and of the examples, each with the last batch that it leaves of the samples.
std::set<std::int64_t> batch_sizes(const Case& c) {
  std::set<std::int64_t> sizes;
  for (const std::int64_t size : {32, 128, 512, 1024}) sizes.insert({size, c.samples % size});
  if (c.samples == kMnist) sizes.insert({256, 10000 % 256});  // validation
  sizes.erase(0);
  return sizes;
}

cuda::ConvProblem problem_of(const Case& c, std::int64_t batch, cuda::ConvDirection direction, bool fused,
                             Precision precision, bool deterministic) {
  const Padding2D pads = resolve_padding(c.padding, {c.size, c.size}, {c.window, c.window}, {c.stride, c.stride});
  const std::int64_t out = (c.size + pads.before[0] + pads.after[0] - c.window) / c.stride + 1;
  return {.direction = direction,
          .shape = {.n = batch,
                    .h = c.size,
                    .w = c.size,
                    .c = c.channels,
                    .kh = c.window,
                    .kw = c.window,
                    .oh = out,
                    .ow = out,
                    .f = c.filters,
                    .stride_h = c.stride,
                    .stride_w = c.stride,
                    .pad_top = pads.before[0],
                    .pad_left = pads.before[1]},
          .pad_bottom = pads.after[0],
          .pad_right = pads.after[1],
          .bias = fused,
          .relu = fused,
          .precision = precision,
          .deterministic = deterministic,
          .workspace_limit = std::int64_t{256} << 20};
}

struct Counts {
  int plans = 0, refused = 0;
};

// All directions of one convolution at one batch size. Plans of batches of 128 are shown.
void check_case(const cuda::ConvTarget& target, const Case& c, std::int64_t batch, Precision precision,
                bool deterministic, Counts& counts) {
  const char* level = precision == Precision::high ? "high" : "highest";
  const char* order = deterministic ? "deterministic" : "any order";
  const auto check = [&](const char* what, cuda::ConvDirection direction, bool fused) {
    std::string reason;
    const auto plan =
        cuda::ConvPlan::make(target, problem_of(c, batch, direction, fused, precision, deterministic), reason);
    ++counts.plans;
    if (!plan) {
      ++counts.refused;
      std::printf("%-26s %-8s %-14s %-16s batch %d: NO PLAN: %s\n", c.where, level, order, what,
                  static_cast<int>(batch), reason.c_str());
    } else if (batch == 128) {
      std::printf("%-26s %-8s %-14s %-16s %zu engines, %s\n", c.where, level, order, what, plan->engines(),
                  plan->description().c_str());
    }
  };
  check("forward", cuda::ConvDirection::forward, false);
  check("forward fused", cuda::ConvDirection::forward, true);
  check("input gradient", cuda::ConvDirection::input_gradient, false);
  check("kernel gradient", cuda::ConvDirection::kernel_gradient, false);
}

int check_all(const cuda::dnn::Api& api, int capability) {
  cuda::dnn::Descriptor device(api, cuda::dnn::kDeviceProperties);
  device.set_text(cuda::dnn::kDevicePropertiesJson, device_description(capability)).finalize();
  Counts counts;
  for (const Case& c : kCases) {
    for (const Precision precision : {Precision::highest, Precision::high}) {
      for (const bool deterministic : {true, false}) {
        for (const std::int64_t batch : batch_sizes(c)) {
          check_case({api, nullptr, &device}, c, batch, precision, deterministic, counts);
        }
      }
    }
  }
  std::printf("sm_%d, cuDNN %zu: %d problems, %d without a plan\n", capability, api.version(), counts.plans,
              counts.refused);
  return counts.refused == 0 ? 0 : 1;
}

// Recurrent layers need a device for more than their descriptors; of these cuDNN sees here whether they fit together.
int check_recurrent(const cuda::dnn::Api& api) {
  constexpr std::int64_t kSizes[][4] = {{1, 1, 1, 1}, {28, 128, 28, 128}, {100, 32, 64, 256}, {65535, 1, 3, 5}};
  int refused = 0, layers = 0;
  for (const RecurrentKind kind : {RecurrentKind::lstm, RecurrentKind::gru}) {
    for (const Precision precision : {Precision::highest, Precision::high}) {
      for (const auto& [time, n, features, units] : kSizes) {
        std::string reason;
        ++layers;
        if (cuda::RecurrentPlan::make(api, nullptr, {kind, time, n, features, units, precision}, reason)) continue;
        ++refused;
        std::printf("a recurrent layer is REFUSED: %s\n", reason.c_str());
      }
    }
  }
  std::printf("%d recurrent layers described, %d refused\n", layers, refused);
  return refused == 0 ? 0 : 1;
}

// The device's own description, for the tests above on machines without one.
int dump_device(const cuda::dnn::Api& api) {
  cuda::dnn::Descriptor device(api, cuda::dnn::kDeviceProperties);
  const std::int32_t index = 0;
  cuda::check_dnn(api,
                  api.descriptor_set(device.raw(), cuda::dnn::kDevicePropertiesIndex, cuda::dnn::kTypeInt32, 1, &index),
                  "cudnnBackendSetAttribute");
  device.finalize();
  std::vector<char> text(std::size_t{1} << 16);
  std::int64_t count = 0;
  cuda::check_dnn(api,
                  api.descriptor_get(device.raw(), cuda::dnn::kDevicePropertiesJson, cuda::dnn::kTypeChar,
                                     static_cast<std::int64_t>(text.size()), &count, text.data()),
                  "cudnnBackendGetAttribute");
  std::printf("%.*s\n", static_cast<int>(count), text.data());
  return 0;
}

// Without a driver cuDNN 9.28 and newer open only with a stub of its library, which stands beside this program.
bool open_dnn(const probe::LibrarySearch& found, const char* program, cuda::dnn::Api& api, std::string& reason) {
  if (cuda::open_dnn(found, api, reason)) return true;
  if (reason.find("libcuda.so.1") == std::string::npos) return false;
  const std::string stub = std::filesystem::path(program).replace_filename("libcuda.so.1").string();
  return dlopen(stub.c_str(), RTLD_NOW | RTLD_LOCAL) && cuda::open_dnn(found, api, reason);
}

}  // namespace

int main(int argc, char** argv) {
  const int capability = argc > 1 ? std::atoi(argv[1]) : 90;
  if (!all_are_cases()) return 1;  // also where there is no cuDNN
  // Major 12 for cuDNN that comes with CUDA 12.
  const int cuda_major = argc > 2 ? std::atoi(argv[2]) : 13;
  const probe::CudaLibraries found = probe::find_cuda_libraries(probe::System::host(), cuda_major);
  if (!found.cudnn.found()) {
    std::printf("skipped: %s\n", found.cudnn.failure().c_str());
    return kSkipped;
  }
  cuda::dnn::Api api;
  std::string reason;
  if (!open_dnn(found.cudnn, argv[0], api, reason)) {
    std::printf("%s\n", reason.c_str());
    return argc > 2 ? 1 : kSkipped;  // whatever lies about need not fit, unless it was asked for
  }
  if (api.version() < 90800) {
    std::printf("skipped: cuDNN %zu cannot plan for a described device; 9.8 is the first that can\n", api.version());
    return kSkipped;
  }
  try {
    return argc > 1 && std::string(argv[1]) == "--dump" ? dump_device(api)
                                                        : check_recurrent(api) | check_all(api, capability);
  } catch (const Error& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
}
