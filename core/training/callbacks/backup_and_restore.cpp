#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>

#include "keratin/core/tensor/errors.h"
#include "keratin/core/tensor/log.h"
#include "keratin/core/training/callbacks/callbacks.h"
#include "keratin/core/training/detail/model_impl.h"
#include "keratin/core/training/detail/trainer.h"
#include "keratin/core/training/model.h"

namespace keratin::callbacks {
namespace {

namespace fs = std::filesystem;

// What weights files do not hold is in the file's name, so that one rename makes a backup complete:
// backup-<number of the backup>-<next epoch>-<step of random ops>.weights.h5
struct Backup {
  std::int64_t number = 0, epoch = 0, random_step = 0;

  std::string name() const {
    return "backup-" + std::to_string(number) + "-" + std::to_string(epoch) + "-" + std::to_string(random_step) +
           ".weights.h5";
  }
  static std::optional<Backup> parse(const std::string& name) {
    constexpr std::string_view kFirst = "backup", kLast = ".weights.h5";
    if (!name.starts_with(kFirst) || !name.ends_with(kLast)) return std::nullopt;
    Backup backup;
    const char *at = name.data() + kFirst.size(), *const end = name.data() + name.size() - kLast.size();
    for (std::int64_t* field : {&backup.number, &backup.epoch, &backup.random_step}) {
      if (at == end || *at != '-') return std::nullopt;
      const auto [next, error] = std::from_chars(at + 1, end, *field);
      if (error != std::errc() || *field < 0) return std::nullopt;
      at = next;
    }
    return at == end ? std::optional(backup) : std::nullopt;
  }
};

class BackupAndRestoreImpl final : public CallbackImpl {
 public:
  BackupAndRestoreImpl(std::string backup_dir, BackupAndRestoreOptions options)
      : folder_(std::move(backup_dir)), options_(options) {
    if (folder_.empty()) throw InvalidArgument("BackupAndRestore: backup_dir must not be empty");
    if (options_.save_freq && *options_.save_freq <= 0) {
      throw InvalidArgument("BackupAndRestore: save_freq must be positive, got " + std::to_string(*options_.save_freq));
    }
  }

  void on_train_begin(Training& training) override {
    if (!training.model.built()) {
      throw InvalidArgument("BackupAndRestore: the model '" + training.model.name() +
                            "' is not built yet; give it an Input");
    }
    batches_ = 0;
    next_ = 0;
    const std::vector<Backup> found = backups();
    if (found.empty()) return;
    next_ = found.front().number + 1;
    for (std::size_t i = 0; i < found.size(); ++i) {
      try {
        restore(training, found[i]);
        return;
      } catch (const FileError& error) {
        if (i + 1 == found.size()) throw;
        log(LogLevel::warning, std::string("BackupAndRestore: ") + error.what() + "; taking the backup before it");
      }
    }
  }

  void on_epoch_begin(Training&, int epoch) override { epoch_ = epoch; }
  void on_train_batch_end(Training& training, std::int64_t, const LazyLogs&) override {
    if (options_.save_freq && ++batches_ % *options_.save_freq == 0) save(training, epoch_);
  }
  void on_epoch_end(Training& training, int epoch, Logs&) override {
    if (!options_.save_freq) save(training, epoch + 1);
  }

  void on_train_end(Training&, const Logs&) override {
    if (!options_.delete_checkpoint) return;
    remove_all_but(0);
    std::error_code ignored;
    fs::remove(folder_, ignored);  // stays when there are other files in it
  }

 private:
  // The newest first.
  std::vector<Backup> backups() const {
    std::vector<Backup> result;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(folder_, error)) {
      if (const auto backup = Backup::parse(entry.path().filename().string())) result.push_back(*backup);
    }
    std::sort(result.begin(), result.end(), [](const Backup& a, const Backup& b) { return a.number > b.number; });
    return result;
  }
  std::string path(const Backup& backup) const { return (fs::path(folder_) / backup.name()).string(); }

  static VariableState& random_step(Training& training) { return *training.model.model_impl().trainer().random_step(); }

  void restore(Training& training, const Backup& backup) {
    training.model.load_weights(path(backup));
    random_step(training).set_value(Tensor::scalar(backup.random_step));
    training.initial_epoch = static_cast<int>(std::min<std::int64_t>(backup.epoch, training.epochs));
  }

  void save(Training& training, int epoch) {
    std::error_code error;
    fs::create_directories(folder_, error);
    if (error) throw FileError("BackupAndRestore: cannot make the folder " + folder_ + ": " + error.message());
    training.model.save_weights(
        path({next_++, epoch, static_cast<std::int64_t>(random_step(training).value().item())}));
    remove_all_but(options_.double_checkpoint ? 2 : 1);
  }

  void remove_all_but(std::size_t newest) const {
    const std::vector<Backup> found = backups();
    std::error_code ignored;  // a backup too many does no harm
    for (std::size_t i = newest; i < found.size(); ++i) fs::remove(path(found[i]), ignored);
  }

  std::string folder_;
  BackupAndRestoreOptions options_;
  int epoch_ = 0;
  std::int64_t batches_ = 0, next_ = 0;
};

}  // namespace

Callback BackupAndRestore(std::string backup_dir, BackupAndRestoreOptions options) {
  return std::make_shared<BackupAndRestoreImpl>(std::move(backup_dir), options);
}

}  // namespace keratin::callbacks
