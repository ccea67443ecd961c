// TerminateOnNaN, LambdaCallback and HistoryRecorder.
#include <cmath>

#include "keratin/core/tensor/errors.h"
#include "keratin/core/tensor/log.h"
#include "keratin/core/training/callbacks/callbacks.h"
#include "keratin/core/training/model.h"

namespace keratin::callbacks {
namespace {

class TerminateOnNaNImpl final : public CallbackImpl {
 public:
  explicit TerminateOnNaNImpl(TerminateOnNaNOptions options) : options_(options) {}
  void on_train_batch_end(Training& training, std::int64_t batch, const LazyLogs& logs) override {
    if (std::isfinite(logs["loss"])) return;
    const std::string text = "batch " + std::to_string(batch) + ": the loss is NaN or infinite, training is ended";
    if (options_.raise_error) {
      throw InvalidArgument(text + ". set_check_numerics(true) names the layer where it begins.");
    }
    log(LogLevel::output, text + "\n");
    training.stop = true;
  }

 private:
  TerminateOnNaNOptions options_;
};

class LambdaCallbackImpl final : public CallbackImpl {
 public:
  explicit LambdaCallbackImpl(LambdaCallbackOptions options) : options_(std::move(options)) {}
  void on_train_begin(Training&) override {
    if (options_.on_train_begin) options_.on_train_begin();
  }
  void on_train_end(Training&, const Logs& logs) override {
    if (options_.on_train_end) options_.on_train_end(logs);
  }
  void on_epoch_begin(Training&, int epoch) override {
    if (options_.on_epoch_begin) options_.on_epoch_begin(epoch);
  }
  void on_epoch_end(Training&, int epoch, Logs& logs) override {
    if (options_.on_epoch_end) options_.on_epoch_end(epoch, logs);
  }
  void on_train_batch_begin(Training&, std::int64_t batch) override {
    if (options_.on_train_batch_begin) options_.on_train_batch_begin(batch);
  }
  void on_train_batch_end(Training&, std::int64_t batch, const LazyLogs& logs) override {
    if (options_.on_train_batch_end) options_.on_train_batch_end(batch, logs);
  }

 private:
  LambdaCallbackOptions options_;
};

class HistoryRecorderImpl final : public CallbackImpl {
 public:
  explicit HistoryRecorderImpl(History& history) : history_(history) {}
  void on_epoch_end(Training&, int epoch, Logs& logs) override {
    history_.epoch.push_back(epoch);
    for (const auto& [name, value] : logs) history_.history[name].push_back(value);
  }

 private:
  History& history_;
};

}  // namespace

Callback TerminateOnNaN(TerminateOnNaNOptions options) { return std::make_shared<TerminateOnNaNImpl>(options); }
Callback LambdaCallback(LambdaCallbackOptions options) {
  return std::make_shared<LambdaCallbackImpl>(std::move(options));
}
Callback HistoryRecorder(History& history) { return std::make_shared<HistoryRecorderImpl>(history); }

}  // namespace keratin::callbacks
