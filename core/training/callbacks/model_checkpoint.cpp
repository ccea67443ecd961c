#include <cstdio>

#include "keratin/core/tensor/errors.h"
#include "keratin/core/tensor/log.h"
#include "keratin/core/training/callbacks/callbacks.h"
#include "keratin/core/training/detail/monitor.h"
#include "keratin/core/training/model.h"

namespace keratin::callbacks {
namespace {

// Python's {name}, {name:02d} and {name:.3f}; nothing else is known.
std::string formatted(double value, bool integer, const std::string& spec, const std::string& path) {
  std::size_t position = 0;
  std::string flags;
  while (position < spec.size() && spec.find_first_of("0123456789.", position) == position) flags += spec[position++];
  const std::string type = spec.substr(position);
  const bool known = (integer && (type.empty() || type == "d")) ||
                     (!integer && (type.empty() || type == "f" || type == "e" || type == "g"));
  if (!known || flags.size() > 6) {
    throw InvalidArgument("ModelCheckpoint: the format '{...:" + spec + "}' in '" + path + "' is not supported");
  }
  char text[64];
  if (integer) {
    std::snprintf(text, sizeof text, ("%" + flags + "ld").c_str(), static_cast<long>(value));
  } else {
    std::snprintf(text, sizeof text, ("%" + flags + (type.empty() ? "g" : type)).c_str(), value);
  }
  return text;
}

std::string expand_path(const std::string& path, int epoch, const Logs& logs) {
  std::string result;
  for (std::size_t i = 0; i < path.size(); ++i) {
    const std::size_t end = path[i] == '{' ? path.find('}', i) : std::string::npos;
    if (end == std::string::npos) {
      result += path[i];
      continue;
    }
    const std::string inside = path.substr(i + 1, end - i - 1);
    const std::size_t colon = inside.find(':');
    const std::string name = inside.substr(0, colon);
    const std::string spec = colon == std::string::npos ? "" : inside.substr(colon + 1);
    const bool is_epoch = name == "epoch";
    result += formatted(is_epoch ? epoch + 1 : logs[name], is_epoch, spec, path);
    i = end;
  }
  return result;
}

class ModelCheckpointImpl final : public CallbackImpl {
 public:
  ModelCheckpointImpl(std::string filepath, ModelCheckpointOptions options)
      : filepath_(std::move(filepath)),
        options_(std::move(options)),
        monitor_("ModelCheckpoint", options_.monitor, options_.mode, 0),
        best_(options_.initial_value_threshold.value_or(monitor_.worst())) {
    const bool weights = filepath_.ends_with(".weights.h5");
    const bool model = filepath_.ends_with(".keras") || (filepath_.ends_with(".h5") && !weights);
    if (options_.save_weights_only ? !weights : !model) {
      throw InvalidArgument(options_.save_weights_only
                                ? "ModelCheckpoint: with save_weights_only the path must end in '.weights.h5', got '" +
                                      filepath_ + "'"
                                : "ModelCheckpoint: the path must end in '.keras', or in '.weights.h5' with "
                                  "save_weights_only, got '" +
                                      filepath_ + "'");
    }
    if (options_.save_freq && *options_.save_freq <= 0) {
      throw InvalidArgument("ModelCheckpoint: save_freq must be positive, got " + std::to_string(*options_.save_freq));
    }
  }

  void on_epoch_begin(Training&, int epoch) override { epoch_ = epoch; }
  void on_train_batch_end(Training& training, std::int64_t, const LazyLogs& logs) override {
    if (options_.save_freq && ++batches_ % *options_.save_freq == 0) save(training, logs.get());
  }
  void on_epoch_end(Training& training, int, Logs& logs) override {
    if (!options_.save_freq) save(training, logs);
  }

 private:
  void save(Training& training, const Logs& logs) {
    if (options_.save_best_only) {
      const std::optional<double> now = monitor_.value(logs);
      if (!now || !monitor_.better(*now, best_)) return;
      best_ = *now;
    }
    const std::string path = expand_path(filepath_, epoch_, logs);
    if (options_.verbose > 0) {
      log(LogLevel::output, "Epoch " + std::to_string(epoch_ + 1) + ": saving " +
                                (options_.save_weights_only ? "weights" : "the model") + " to " + path + "\n");
    }
    options_.save_weights_only ? training.model.save_weights(path) : training.model.save(path);
  }

  std::string filepath_;
  ModelCheckpointOptions options_;
  Monitor monitor_;
  double best_;
  int epoch_ = 0;
  std::int64_t batches_ = 0;
};

}  // namespace

Callback ModelCheckpoint(std::string filepath, ModelCheckpointOptions options) {
  return std::make_shared<ModelCheckpointImpl>(std::move(filepath), std::move(options));
}

}  // namespace keratin::callbacks
