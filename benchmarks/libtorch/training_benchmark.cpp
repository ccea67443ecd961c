// libtorch_training_benchmark: the models, data, optimizer and timing of keratin_training_benchmark, in LibTorch.
// The data are given to LibTorch in the form it is fastest with: float images, already divided by 255, all in memory.
#include <torch/torch.h>
#include <zlib.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "stopwatch.h"

namespace {

struct Options {
  std::string model = "mlp", data, memory_format = "contiguous";
  std::int64_t batch_size = 128;
  int threads = 1;
  bool mkldnn = true;
  StopwatchOptions watch;
};

// The bytes after the header of an IDX file; zlib reads plain files, too.
std::vector<unsigned char> read_idx(const std::string& path, std::size_t header) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rb"), gzclose);
  std::vector<unsigned char> bytes(64 << 20);
  const int n = file ? gzread(file.get(), bytes.data(), static_cast<unsigned>(bytes.size())) : -1;
  if (n < static_cast<int>(header)) return {};
  return {bytes.begin() + static_cast<std::ptrdiff_t>(header), bytes.begin() + n};
}

std::vector<unsigned char> read_data(const std::string& stem, std::size_t header) {
  std::vector<unsigned char> bytes = read_idx(stem + ".gz", header);
  if (bytes.empty()) bytes = read_idx(stem, header);
  if (bytes.empty()) throw std::runtime_error("cannot read " + stem + " (or " + stem + ".gz)");
  return bytes;
}

// Images (n, 1, 28, 28) float in [0, 1], labels (n) int64. Random ones without a folder: the speed is the same.
std::pair<torch::Tensor, torch::Tensor> load(const std::string& folder) {
  if (folder == "random") return {torch::rand({60000, 1, 28, 28}), torch::randint(10, {60000}, torch::kInt64)};
  std::vector<unsigned char> x = read_data(folder + "/train-images-idx3-ubyte", 16);
  std::vector<unsigned char> y = read_data(folder + "/train-labels-idx1-ubyte", 8);
  const auto n = static_cast<std::int64_t>(y.size());
  if (static_cast<std::int64_t>(x.size()) != n * 784) throw std::runtime_error("images and labels disagree in number");
  return {torch::from_blob(x.data(), {n, 1, 28, 28}, torch::kUInt8).to(torch::kFloat32).div_(255),
          torch::from_blob(y.data(), {n}, torch::kUInt8).to(torch::kInt64)};
}

torch::nn::Sequential make_model(const std::string& name) {
  using namespace torch::nn;
  if (name == "mlp") return Sequential(Flatten(), Linear(784, 128), ReLU(), Linear(128, 10));
  return Sequential(Conv2d(Conv2dOptions(1, 32, 3)), ReLU(), MaxPool2d(2), Conv2d(Conv2dOptions(32, 64, 3)), ReLU(),
                    MaxPool2d(2), Flatten(), Linear(1600, 128), ReLU(), Linear(128, 10));
}

void run(const Options& options) {
  torch::manual_seed(1);
  torch::set_num_threads(options.threads);
  torch::set_num_interop_threads(1);
  at::globalContext().setUserEnabledMkldnn(options.mkldnn);

  auto [x, y] = load(options.data);
  torch::nn::Sequential model = make_model(options.model);
  if (options.memory_format == "channels_last") {
    x = x.contiguous(at::MemoryFormat::ChannelsLast);
    for (torch::Tensor& p : model->parameters()) {
      if (p.dim() == 4) p.set_data(p.contiguous(at::MemoryFormat::ChannelsLast));
    }
  }
  model->train();
  torch::optim::Adam optimizer(model->parameters(), torch::optim::AdamOptions(1e-3).eps(1e-7));  // Keras's epsilon

  // Whole batches only, so that every step is the same amount of work.
  const std::int64_t batches = x.size(0) / options.batch_size;
  torch::Tensor loss;
  Stopwatch watch(options.watch);
  for (bool more = true; more;) {
    const torch::Tensor order = torch::randperm(x.size(0), torch::kInt64);
    for (std::int64_t b = 0; b < batches && more; ++b) {
      const torch::Tensor index = order.narrow(0, b * options.batch_size, options.batch_size);
      const torch::Tensor logits = model->forward(x.index_select(0, index));
      loss = torch::nn::functional::cross_entropy(logits, y.index_select(0, index));
      optimizer.zero_grad();
      loss.backward();
      optimizer.step();
      more = watch.step();
    }
  }

  nlohmann::ordered_json report;
  report["library"] = "libtorch";
  report["version"] = TORCH_VERSION;
  report["model"] = options.model;
  report["memory_format"] = options.memory_format;
  report["mkldnn"] = options.mkldnn;
  report["threads"] = torch::get_num_threads();
  report["batch_size"] = options.batch_size;
  report["steps"] = watch.steps();
  report["seconds"] = watch.seconds();
  report["images_per_second"] = static_cast<double>(watch.steps() * options.batch_size) / watch.seconds();
  report["loss"] = loss.item<float>();
  std::printf("%s\n", report.dump().c_str());
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app("Measures LibTorch's training of two MNIST models.");
  app.add_option("--model", options.model)->capture_default_str()->check(CLI::IsMember({"mlp", "cnn"}));
  app.add_option("--data", options.data, "folder with MNIST's IDX files, or 'random'")->required();
  app.add_option("--memory-format", options.memory_format)
      ->capture_default_str()
      ->check(CLI::IsMember({"contiguous", "channels_last"}));
  app.add_option("--mkldnn", options.mkldnn, "use oneDNN: true or false")->capture_default_str();
  app.add_option("--threads", options.threads)->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--batch-size", options.batch_size)->capture_default_str()->check(CLI::PositiveNumber);
  app.add_option("--steps", options.watch.steps, "steps to time; 0: as many as --seconds hold")->capture_default_str();
  app.add_option("--seconds", options.watch.seconds)->capture_default_str();
  app.add_option("--warm-up-steps", options.watch.warm_up_steps)->capture_default_str();
  app.add_option("--warm-up-seconds", options.watch.warm_up_seconds)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    run(options);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
