#include "keratin/core/tensor/log.h"
#include "keratin/core/training/callbacks/callbacks.h"
#include "keratin/core/training/detail/monitor.h"
#include "keratin/core/training/model.h"

namespace keratin::callbacks {
namespace {

class EarlyStoppingImpl final : public CallbackImpl {
 public:
  explicit EarlyStoppingImpl(EarlyStoppingOptions options)
      : options_(std::move(options)), monitor_("EarlyStopping", options_.monitor, options_.mode, options_.min_delta) {}

  void on_train_begin(Training&) override {
    waited_ = 0;
    best_ = monitor_.worst();
    best_epoch_ = stopped_epoch_ = -1;
    best_weights_.clear();
  }

  void on_epoch_end(Training& training, int epoch, Logs& logs) override {
    const std::optional<double> now = monitor_.value(logs);
    if (!now || epoch < options_.start_from_epoch) return;
    // Even a first epoch that misses the baseline is better than no weights at all.
    if (options_.restore_best_weights && best_weights_.empty()) keep(training, epoch);
    ++waited_;
    if (monitor_.better(*now, best_)) {
      best_ = *now;
      if (options_.restore_best_weights) keep(training, epoch);
      best_epoch_ = epoch;
      // Waiting starts again only when the baseline is beaten, too.
      if (!options_.baseline || monitor_.better(*now, *options_.baseline)) waited_ = 0;
      return;
    }
    if (waited_ >= options_.patience && epoch > 0) {
      stopped_epoch_ = epoch;
      training.stop = true;
    }
  }

  void on_train_end(Training& training, const Logs&) override {
    if (stopped_epoch_ > 0 && options_.verbose > 0) {
      log(LogLevel::output, "Epoch " + std::to_string(stopped_epoch_ + 1) + ": early stopping\n");
    }
    if (options_.restore_best_weights && !best_weights_.empty()) {
      if (options_.verbose > 0) {
        log(LogLevel::output,
            "Restoring model weights from the end of the best epoch: " + std::to_string(best_epoch_ + 1) + ".\n");
      }
      training.model.set_weights(best_weights_);
    }
  }

 private:
  void keep(Training& training, int epoch) {
    best_weights_ = training.model.get_weights();
    best_epoch_ = epoch;
  }

  EarlyStoppingOptions options_;
  Monitor monitor_;
  int waited_ = 0, best_epoch_ = -1, stopped_epoch_ = -1;
  double best_ = 0;
  std::vector<Tensor> best_weights_;
};

}  // namespace

Callback EarlyStopping(EarlyStoppingOptions options) { return std::make_shared<EarlyStoppingImpl>(std::move(options)); }

}  // namespace keratin::callbacks
