// Convolutions by cuDNN's graph interface: which engine computes one, chosen by its heuristics and our conditions.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "keratin/backends/cuda/descriptor.h"
#include "keratin/backends/cuda/device/windows.h"
#include "keratin/core/runtime/backend.h"

namespace keratin::cuda {

// What cuDNN is promised of all addresses, in bytes.
inline constexpr i64 kDnnAlignment = 16;

enum class ConvDirection : std::uint8_t { forward, input_gradient, kernel_gradient };

// float32; images are (n, h, w, c), kernels (f, kh, kw, c / groups).
struct ConvProblem {
  ConvDirection direction = ConvDirection::forward;
  WindowShape shape = {};
  i64 pad_bottom = 0, pad_right = 0;
  bool bias = false, relu = false;  // of the forward direction
  Precision precision = Precision::highest;
  bool deterministic = false;
  i64 workspace_limit = 0;

  std::string key() const;
};

// Where plans are made for: a handle, or a description of a device in JSON (cuDNN 9.8 and newer).
struct ConvTarget {
  const dnn::Api& api;
  dnn::Handle handle = nullptr;
  const dnn::Descriptor* device_properties = nullptr;
};

// One convolution with an engine. Keeps the other engines that may compute it, for when the first refuses at run time.
class ConvPlan {
 public:
  // Nothing when cuDNN has no engine for it under these conditions; `reason` says what it answered last.
  static std::shared_ptr<ConvPlan> make(const ConvTarget& target, const ConvProblem& problem, std::string& reason);

  // As planned with the first engine; those after it take no more.
  i64 workspace_bytes() const { return planned_bytes_ >= 0 ? planned_bytes_ : workspace_bytes_; }
  std::string description() const;
  std::size_t engines() const { return configs_.size(); }

  // Operands in the order of the op: x, kernel, bias, y; dy, kernel, dx; x, dy, dkernel. Goes on to the next engine
  // when one fails; false after the last, and from then on. With `capturing` it throws BackendError instead.
  bool run(const std::vector<void*>& operands, void* workspace, bool capturing);
  // Why the last engine failed.
  const std::string& failure() const { return failure_; }

 private:
  explicit ConvPlan(const ConvTarget& target, const ConvProblem& problem) : target_(target), problem_(problem) {}
  void build_graph();
  void find_engines(std::string& reason);
  // Makes a plan of the engines from `current_` on; false when none is left.
  bool advance(std::string& reason);

  struct Config {
    dnn::Descriptor descriptor;
    std::int64_t engine = 0;
    bool compiles = false;   // at run time, which takes up to seconds
    bool keeps_nan = false;  // says so
  };
  // Reads what the configuration's engine says of itself; false when precision or determinism forbid it.
  bool accepts(Config& config) const;

  ConvTarget target_;
  ConvProblem problem_;
  std::vector<dnn::Descriptor> parts_;  // tensors and operations that the graph refers to
  std::vector<std::int64_t> ids_;       // of the operands' tensors
  std::optional<dnn::Descriptor> graph_, plan_;
  std::vector<dnn::Descriptor> retired_;  // plans that failed: captured graphs may hold their kernels
  std::vector<Config> configs_;
  std::size_t current_ = 0;
  std::string failure_;
  i64 workspace_bytes_ = 0, planned_bytes_ = -1;
};

}  // namespace keratin::cuda
