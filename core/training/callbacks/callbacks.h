// The callbacks of keras.callbacks, with Keras's arguments and defaults.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "keratin/core/training/callback.h"

namespace keratin::callbacks {

// `mode`: "min", "max", or "auto" (max for names with "acc", "auc" or a score, else min). A monitored name that the
// logs do not have is warned about once, with the names there are.

struct EarlyStoppingOptions {
  std::string monitor = "val_loss";
  double min_delta = 0;
  int patience = 0;
  int verbose = 0;
  std::string mode = "auto";
  std::optional<double> baseline = {};
  bool restore_best_weights = false;
  int start_from_epoch = 0;
};
// Ends training when the monitored number has not improved for `patience` epochs.
Callback EarlyStopping(EarlyStoppingOptions options = {});

struct ModelCheckpointOptions {
  std::string monitor = "val_loss";
  int verbose = 0;
  bool save_best_only = false;
  bool save_weights_only = false;
  std::string mode = "auto";
  // Batches between two savings; empty: at the end of every epoch.
  std::optional<std::int64_t> save_freq = {};
  std::optional<double> initial_value_threshold = {};
};
// Saves the model, with the optimizer's state, to `filepath`, which ends in ".keras" (or ".h5"), or its weights to one
// in
// ".weights.h5". The path may contain {epoch}, {epoch:02d} and the names of logs, as {val_loss:.2f}. Throws
// InvalidArgument for another ending.
Callback ModelCheckpoint(std::string filepath, ModelCheckpointOptions options = {});

struct BackupAndRestoreOptions {
  // Batches between two backups; empty: at the end of every epoch.
  std::optional<std::int64_t> save_freq = {};
  bool double_checkpoint = false;  // keeps the last two, in case the last one is damaged
  bool delete_checkpoint = true;   // when training has come to its end
};
// Training that was interrupted goes on: keeps weights, optimizer state and the number of the epoch in files of the
// folder `backup_dir`, which is for this alone, and when fit begins with such files there, takes them and begins with
// the epoch that was next (with save_freq: the one that was under way, from its beginning). A backup appears complete
// or not at all. With backups of whole epochs and the same seed, weights are what they would have been without the
// interruption; what other callbacks remember is not kept. Throws InvalidArgument for an empty path, a save_freq that
// is not positive, and a model that is not built when fit begins; FileError when no backup there can be read, or none
// written.
Callback BackupAndRestore(std::string backup_dir, BackupAndRestoreOptions options = {});

struct SwapEMAWeightsOptions {
  bool swap_on_epoch = false;
};
// With an optimizer that has use_ema: validation is done with the moving averages of the weights. With `swap_on_epoch`
// they also stay in the model from the end of an epoch to the beginning of the next: for a ModelCheckpoint after this
// callback in the list. Throws InvalidArgument, when fit begins, for an optimizer without use_ema.
Callback SwapEMAWeights(SwapEMAWeightsOptions options = {});

struct ReduceLROnPlateauOptions {
  std::string monitor = "val_loss";
  double factor = 0.1;
  int patience = 10;
  int verbose = 0;
  std::string mode = "auto";
  double min_delta = 1e-4;
  int cooldown = 0;
  double min_lr = 0.0;
};
// Multiplies the learning rate by `factor` when the monitored number has stopped improving.
Callback ReduceLROnPlateau(ReduceLROnPlateauOptions options = {});

struct LearningRateSchedulerOptions {
  int verbose = 0;
};
// Sets the learning rate of every epoch: schedule(epoch, current rate).
Callback LearningRateScheduler(std::function<double(int epoch, double learning_rate)> schedule,
                               LearningRateSchedulerOptions options = {});

struct CSVLoggerOptions {
  std::string separator = ",";
  bool append = false;
};
// One line of logs for each epoch. Throws FileError when the file cannot be written.
Callback CSVLogger(std::string filename, CSVLoggerOptions options = {});

struct TerminateOnNaNOptions {
  bool raise_error = false;  // an InvalidArgument instead of a quiet end
};
// Ends training when a batch's loss is NaN or infinite. Reads the loss after every batch.
Callback TerminateOnNaN(TerminateOnNaNOptions options = {});

struct LambdaCallbackOptions {
  std::function<void(int epoch)> on_epoch_begin = {};
  std::function<void(int epoch, const Logs&)> on_epoch_end = {};
  std::function<void()> on_train_begin = {};
  std::function<void(const Logs&)> on_train_end = {};
  std::function<void(std::int64_t batch)> on_train_batch_begin = {};
  std::function<void(std::int64_t batch, const LazyLogs&)> on_train_batch_end = {};
};
Callback LambdaCallback(LambdaCallbackOptions options);

// Keeps the logs of every epoch in the history it is given, for programs that look at it while training runs.
Callback HistoryRecorder(History& history);

}  // namespace keratin::callbacks
