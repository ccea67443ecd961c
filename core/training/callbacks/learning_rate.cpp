// ReduceLROnPlateau and LearningRateScheduler.
#include "keratin/core/graph/leaves.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/tensor/log.h"
#include "keratin/core/training/callbacks/callbacks.h"
#include "keratin/core/training/detail/monitor.h"
#include "keratin/core/training/model.h"

namespace keratin::callbacks {
namespace {

class ReduceLROnPlateauImpl final : public CallbackImpl {
 public:
  explicit ReduceLROnPlateauImpl(ReduceLROnPlateauOptions options)
      : options_(std::move(options)),
        monitor_("ReduceLROnPlateau", options_.monitor, options_.mode, options_.min_delta) {
    if (!(options_.factor < 1)) {
      throw InvalidArgument("ReduceLROnPlateau: factor must be below 1, got " + format_number(options_.factor));
    }
  }

  void on_train_begin(Training&) override {
    cooldown_ = waited_ = 0;
    best_ = monitor_.worst();
  }

  void on_epoch_end(Training& training, int epoch, Logs& logs) override {
    const Optimizer optimizer = training.model.optimizer();
    logs.set("learning_rate", optimizer.learning_rate());
    const std::optional<double> now = monitor_.value(logs);
    if (!now) return;
    if (cooldown_ > 0) {
      --cooldown_;
      waited_ = 0;
    }
    if (monitor_.better(*now, best_)) {
      best_ = *now;
      waited_ = 0;
      return;
    }
    if (cooldown_ > 0 || ++waited_ < options_.patience) return;
    const double old_rate = optimizer.learning_rate();
    // Float32 rates are compared in float32: a rate at the minimum must not look larger than it.
    if (static_cast<float>(old_rate) <= static_cast<float>(options_.min_lr)) return;
    const double rate = std::max(old_rate * options_.factor, options_.min_lr);
    optimizer.set_learning_rate(rate);
    if (options_.verbose > 0) {
      log(LogLevel::output, "Epoch " + std::to_string(epoch + 1) + ": ReduceLROnPlateau reducing learning rate to " +
                                format_number(rate) + ".\n");
    }
    cooldown_ = options_.cooldown;
    waited_ = 0;
  }

 private:
  ReduceLROnPlateauOptions options_;
  Monitor monitor_;
  int cooldown_ = 0, waited_ = 0;
  double best_ = 0;
};

class LearningRateSchedulerImpl final : public CallbackImpl {
 public:
  LearningRateSchedulerImpl(std::function<double(int, double)> schedule, LearningRateSchedulerOptions options)
      : schedule_(std::move(schedule)), options_(options) {
    if (!schedule_) throw InvalidArgument("LearningRateScheduler: the schedule is empty");
  }
  void on_epoch_begin(Training& training, int epoch) override {
    const Optimizer optimizer = training.model.optimizer();
    const double rate = schedule_(epoch, optimizer.learning_rate());
    optimizer.set_learning_rate(rate);
    if (options_.verbose > 0) {
      log(LogLevel::output, "Epoch " + std::to_string(epoch + 1) + ": LearningRateScheduler setting learning rate to " +
                                format_number(rate) + ".\n");
    }
  }
  void on_epoch_end(Training& training, int, Logs& logs) override {
    logs.set("learning_rate", training.model.optimizer().learning_rate());
  }

 private:
  std::function<double(int, double)> schedule_;
  LearningRateSchedulerOptions options_;
};

}  // namespace

Callback ReduceLROnPlateau(ReduceLROnPlateauOptions options) {
  return std::make_shared<ReduceLROnPlateauImpl>(std::move(options));
}
Callback LearningRateScheduler(std::function<double(int, double)> schedule, LearningRateSchedulerOptions options) {
  return std::make_shared<LearningRateSchedulerImpl>(std::move(schedule), options);
}

}  // namespace keratin::callbacks
