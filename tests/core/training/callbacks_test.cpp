// Callbacks: when they act and what they change.
#include <gtest/gtest.h>

#include <unistd.h>
#include <algorithm>
#include <cmath>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/expect_error.h"
#include "tests/support/small_models.h"

namespace keratin {
namespace {

using testing::all_weights;
using testing::compiled_model;
using testing::expect_error;
using testing::small_data;

// Writes a number of our choice into the logs of each epoch, for the callbacks after it to monitor.
Callback scripted(std::vector<double> values) {
  class Scripted final : public CallbackImpl {
   public:
    explicit Scripted(std::vector<double> values) : values_(std::move(values)) {}
    void on_epoch_end(Training&, int epoch, Logs& logs) override {
      logs.set("score", values_.at(static_cast<std::size_t>(epoch)));
    }

   private:
    std::vector<double> values_;
  };
  return std::make_shared<Scripted>(std::move(values));
}

std::size_t epochs_run(Callback monitored, Callback stopper, int epochs) {
  const auto data = small_data(20);
  Sequential model = compiled_model();
  return model.fit(data.x, data.y, {.epochs = epochs, .verbose = 0, .callbacks = {monitored, stopper}}).epoch.size();
}

TEST(EarlyStopping, WaitsForPatienceEpochs) {
  EXPECT_EQ(epochs_run(scripted({5, 4, 4, 4, 4, 4}), callbacks::EarlyStopping({.monitor = "score", .patience = 2}), 6),
            4u);
  EXPECT_EQ(epochs_run(scripted({1, 2, 1, 1, 1, 1}),
                       callbacks::EarlyStopping({.monitor = "score", .patience = 2, .mode = "max"}), 6),
            4u);
  EXPECT_EQ(epochs_run(scripted({5, 4.9, 4.8, 4.7}),
                       callbacks::EarlyStopping({.monitor = "score", .min_delta = 0.5, .patience = 2}), 4),
            3u);
  EXPECT_EQ(epochs_run(scripted({5, 4, 3, 2}), callbacks::EarlyStopping({.monitor = "score"}), 4), 4u);
  expect_error<InvalidArgument>([] { callbacks::EarlyStopping({.mode = "mix"}); }, {"EarlyStopping", "mix"});
}

TEST(EarlyStopping, RestoresTheBestWeights) {
  const auto data = small_data(20);
  Sequential model = compiled_model();
  std::vector<std::vector<float>> weights;
  const auto keep =
      callbacks::LambdaCallback({.on_epoch_end = [&](int, const Logs&) { weights.push_back(all_weights(model)); }});
  model.fit(
      data.x, data.y,
      {.epochs = 5,
       .verbose = 0,
       .callbacks = {scripted({3, 1, 2, 2, 2}), keep,
                     callbacks::EarlyStopping({.monitor = "score", .patience = 2, .restore_best_weights = true})}});
  EXPECT_EQ(weights.size(), 4u);
  EXPECT_EQ(all_weights(model), weights[1]);
}

TEST(ReduceLROnPlateau, ReducesDownToTheMinimum) {
  const auto data = small_data(20);
  Sequential model = compiled_model();
  const History history = model.fit(
      data.x, data.y,
      {.epochs = 6,
       .verbose = 0,
       .callbacks = {
           scripted({1, 1, 1, 1, 1, 1}),
           callbacks::ReduceLROnPlateau({.monitor = "score", .factor = 0.1, .patience = 2, .min_lr = 5e-5})}});
  const std::vector<double>& rates = history["learning_rate"];
  EXPECT_NEAR(rates[2], 1e-3, 1e-9);
  EXPECT_NEAR(rates[3], 1e-4, 1e-9);
  EXPECT_NEAR(model.optimizer().learning_rate(), 5e-5, 1e-9);
}

TEST(LearningRateScheduler, SetsTheRateOfEachEpoch) {
  const auto data = small_data(20);
  Sequential model = compiled_model();
  const History history = model.fit(
      data.x, data.y, {.epochs = 3, .verbose = 0, .callbacks = {callbacks::LearningRateScheduler([](int epoch, double) {
                                                    return 0.1 / (epoch + 1);
                                                  })}});
  EXPECT_NEAR(history["learning_rate"][2], 0.1 / 3, 1e-8);
}

TEST(CSVLogger, WritesALineForEachEpoch) {
  const auto path = std::filesystem::temp_directory_path() / ("keratin_csv_" + std::to_string(getpid()));
  const auto data = small_data(20);
  Sequential model = compiled_model();
  model.fit(data.x, data.y, {.epochs = 2, .verbose = 0, .callbacks = {callbacks::CSVLogger(path)}});
  model.fit(
      data.x, data.y,
      {.epochs = 3, .verbose = 0, .callbacks = {callbacks::CSVLogger(path, {.append = true})}, .initial_epoch = 2});
  std::ifstream file(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0], "epoch,loss,accuracy");
  EXPECT_TRUE(lines[3].starts_with("2,"));
  std::filesystem::remove(path);
  expect_error<FileError>(
      [&] { model.fit(data.x, data.y, {.verbose = 0, .callbacks = {callbacks::CSVLogger("/no/such/folder/x.csv")}}); },
      {"/no/such/folder/x.csv"});
}

TEST(TerminateOnNaN, EndsTraining) {
  auto data = small_data(64);
  data.x.values<float>()[8 * 20] = NAN;  // in the third batch of eight
  Sequential model = compiled_model();
  std::int64_t batches = 0;
  const auto count =
      callbacks::LambdaCallback({.on_train_batch_end = [&](std::int64_t, const LazyLogs&) { ++batches; }});
  model.fit(data.x, data.y,
            {.batch_size = 8,
             .epochs = 5,
             .verbose = 0,
             .callbacks = {callbacks::TerminateOnNaN(), count},
             .shuffle = false});
  EXPECT_EQ(batches, 3);
  Sequential other = compiled_model();
  expect_error<InvalidArgument>(
      [&] {
        other.fit(data.x, data.y, {.verbose = 0, .callbacks = {callbacks::TerminateOnNaN({.raise_error = true})}});
      },
      {"NaN"});
}

TEST(ModelCheckpoint, SavesTheBestUnderExpandedNames) {
  const auto folder = std::filesystem::temp_directory_path() / ("keratin_checkpoint_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const auto data = small_data(20);
  Sequential model = compiled_model();
  model.fit(
      data.x, data.y,
      {.epochs = 3,
       .verbose = 0,
       .callbacks = {scripted({3, 4, 1}),
                     callbacks::ModelCheckpoint(
                         (folder / "best-{epoch:02d}-{score:.1f}.weights.h5").string(),
                         {.monitor = "score", .save_best_only = true, .save_weights_only = true, .mode = "min"})}});
  EXPECT_TRUE(std::filesystem::exists(folder / "best-01-3.0.weights.h5"));
  EXPECT_FALSE(std::filesystem::exists(folder / "best-02-4.0.weights.h5"));
  EXPECT_TRUE(std::filesystem::exists(folder / "best-03-1.0.weights.h5"));
  std::filesystem::remove_all(folder);
  expect_error<InvalidArgument>([] { callbacks::ModelCheckpoint("model.weights.h5"); }, {".keras"});
}

class BackupAndRestore : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::remove_all(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static Sequential model() {
    set_random_seed(4);
    Sequential model({Input({8}), Dense(16, {.activation = "relu"}), Dropout(0.3, {.seed = 1}), BatchNormalization(),
                      Dense(3, {.activation = "softmax"})});
    model.compile("adam", "sparse_categorical_crossentropy");
    return model;
  }
  // Trains up to `epochs`; with `interrupted`, an exception ends it after that many batches.
  History fit(Sequential& model, std::int64_t interrupted = -1, callbacks::BackupAndRestoreOptions options = {}) {
    std::int64_t batches = 0;
    const auto interrupt = callbacks::LambdaCallback({.on_train_batch_end = [&](std::int64_t, const LazyLogs&) {
      if (++batches == interrupted) throw std::runtime_error("power failure");
    }});
    return model.fit(data_.x, data_.y,
                     {.batch_size = 16,
                      .epochs = 4,
                      .verbose = 0,
                      .callbacks = {callbacks::BackupAndRestore(folder_.string(), options), interrupt}});
  }
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    if (!std::filesystem::exists(folder_)) return names;
    for (const auto& entry : std::filesystem::directory_iterator(folder_)) names.push_back(entry.path().filename());
    std::sort(names.begin(), names.end());
    return names;
  }

  const testing::SmallData data_ = small_data(64);  // four batches in an epoch
  const std::filesystem::path folder_ =
      std::filesystem::temp_directory_path() / ("keratin_backup_" + std::to_string(getpid()));
};

TEST_F(BackupAndRestore, GoesOnAfterAnInterruption) {
  Sequential whole = model();
  EXPECT_EQ(fit(whole).epoch.size(), 4u);
  EXPECT_FALSE(std::filesystem::exists(folder_));  // the end was reached

  Sequential first = model();
  EXPECT_THROW(fit(first, 10), std::runtime_error);  // in the third epoch
  EXPECT_EQ(files(), (std::vector<std::string>{"backup-1-2-8.weights.h5"}));
  Sequential second = model();  // another process
  EXPECT_EQ(fit(second).epoch, (std::vector<int>{2, 3}));
  EXPECT_EQ(all_weights(second), all_weights(whole));
  EXPECT_EQ(second.optimizer().iterations(), 16);
  EXPECT_TRUE(files().empty());
}

TEST_F(BackupAndRestore, TakesTheOneBeforeADamagedBackup) {
  Sequential first = model();
  EXPECT_THROW(fit(first, 14, {.save_freq = 3, .double_checkpoint = true}), std::runtime_error);
  EXPECT_EQ(files(), (std::vector<std::string>{"backup-2-2-9.weights.h5", "backup-3-2-12.weights.h5"}));
  std::filesystem::resize_file(folder_ / "backup-3-2-12.weights.h5", 200);
  std::string warnings;
  set_log_handler([&](LogLevel level, std::string_view text) {
    if (level == LogLevel::warning) warnings += text;
  });
  Sequential second = model();
  EXPECT_EQ(fit(second, -1, {.delete_checkpoint = false}).epoch, (std::vector<int>{2, 3}));
  set_log_handler({});
  EXPECT_NE(warnings.find("taking the backup before it"), std::string::npos) << warnings;
  EXPECT_EQ(files(), (std::vector<std::string>{"backup-5-4-17.weights.h5"}));
  Sequential third = model();
  EXPECT_TRUE(fit(third).epoch.empty());  // nothing is left to do
  EXPECT_EQ(all_weights(third), all_weights(second));
}

TEST_F(BackupAndRestore, RefusesNonsense) {
  expect_error<InvalidArgument>([] { callbacks::BackupAndRestore(""); }, {"backup_dir must not be empty"});
  expect_error<InvalidArgument>([] { callbacks::BackupAndRestore("x", {.save_freq = 0}); }, {"save_freq"});
  std::ofstream(folder_) << "a file";
  Sequential model = this->model();
  expect_error<FileError>([&] { fit(model); }, {"BackupAndRestore", folder_.string()});
}

TEST(SwapEMAWeights, ValidatesWithTheAverages) {
  const auto data = small_data(32);
  set_random_seed(4);
  Sequential model({Input({8}), Dense(3, {.activation = "softmax"})});
  model.compile(optimizers::SGD({.learning_rate = 0.5, .use_ema = true, .ema_momentum = 0.9}),
                "sparse_categorical_crossentropy");
  std::vector<std::vector<float>> at_end, at_begin;
  const Optimizer optimizer = model.optimizer();
  const auto averages = [&] {
    std::vector<float> result;
    for (const Variable& variable : model.trainable_variables()) {
      for (float x : optimizer->average_of(variable).value().to_vector<float>()) result.push_back(x);
    }
    return result;
  };
  std::vector<std::vector<float>> expected;
  const auto look = callbacks::LambdaCallback(
      {.on_epoch_begin = [&](int) { at_begin.push_back(all_weights(model)); },
       .on_epoch_end =
           [&](int, const Logs& logs) {
             at_end.push_back(all_weights(model));
             expected.push_back(averages());
             EXPECT_NEAR(logs["val_loss"], model.evaluate(data.x, data.y, {.verbose = 0})["loss"], 1e-6);
           }});
  model.fit(data.x, data.y,
            {.batch_size = 8,
             .epochs = 3,
             .verbose = 0,
             .callbacks = {callbacks::SwapEMAWeights({.swap_on_epoch = true}), look},
             .validation_data = {data.x, data.y}});
  EXPECT_EQ(at_end, expected);
  EXPECT_NE(at_begin[1], at_end[0]);  // training goes on from the weights themselves
  EXPECT_EQ(all_weights(model), expected.back());
  Sequential plain = compiled_model();
  expect_error<InvalidArgument>(
      [&] { plain.fit(data.x, data.y, {.verbose = 0, .callbacks = {callbacks::SwapEMAWeights()}}); },
      {"SwapEMAWeights: the optimizer adam keeps no moving averages"});
}

TEST(Callbacks, UnknownMonitorWarnsOnce) {
  std::string warnings;
  set_log_handler([&](LogLevel level, std::string_view text) {
    if (level == LogLevel::warning) warnings += std::string(text) + "\n";
  });
  EXPECT_EQ(epochs_run(scripted({1, 1, 1}), callbacks::EarlyStopping({.monitor = "val_los"}), 3), 3u);
  set_log_handler({});
  EXPECT_NE(warnings.find("'val_los'"), std::string::npos);
  EXPECT_EQ(warnings.find("'val_los'"), warnings.rfind("'val_los'"));
}

}  // namespace
}  // namespace keratin
