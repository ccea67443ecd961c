#include <cstdio>
#include <memory>
#include <system_error>

#include "keratin/core/graph/leaves.h"
#include "keratin/core/tensor/errors.h"
#include "keratin/core/training/callbacks/callbacks.h"
#include "keratin/core/training/model.h"

namespace keratin::callbacks {
namespace {

class CSVLoggerImpl final : public CallbackImpl {
 public:
  CSVLoggerImpl(std::string filename, CSVLoggerOptions options)
      : filename_(std::move(filename)), options_(std::move(options)) {}

  void on_train_begin(Training&) override {
    bool empty = true;
    if (options_.append) {
      if (std::FILE* old = std::fopen(filename_.c_str(), "rb")) {
        std::fseek(old, 0, SEEK_END);
        empty = std::ftell(old) == 0;
        std::fclose(old);
      }
    }
    file_.reset(std::fopen(filename_.c_str(), options_.append ? "ab" : "wb"));
    check(file_ != nullptr);
    write_heading_ = empty;
    names_.clear();
  }

  void on_epoch_end(Training&, int epoch, Logs& logs) override {
    if (names_.empty()) {
      for (const auto& [name, value] : logs) names_.push_back(name);
      if (write_heading_) {
        std::string heading = "epoch";
        for (const std::string& name : names_) heading += options_.separator + name;
        write(heading);
      }
    }
    // Validation that does not happen in every epoch leaves "NA", as in Keras.
    std::string line = std::to_string(epoch);
    for (const std::string& name : names_) {
      line += options_.separator + (logs.contains(name) ? format_number(logs[name]) : "NA");
    }
    write(line);
  }

  void on_train_end(Training&, const Logs&) override { file_.reset(); }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  void check(bool good) const {
    if (good) return;
    const int number = errno;
    throw FileError("CSVLogger: cannot write " + filename_ + ": " + std::generic_category().message(number));
  }
  void write(const std::string& line) {
    check(std::fputs((line + "\n").c_str(), file_.get()) >= 0);
    check(std::fflush(file_.get()) == 0);
  }

  std::string filename_;
  CSVLoggerOptions options_;
  std::unique_ptr<std::FILE, Close> file_;
  bool write_heading_ = true;
  std::vector<std::string> names_;
};

}  // namespace

Callback CSVLogger(std::string filename, CSVLoggerOptions options) {
  return std::make_shared<CSVLoggerImpl>(std::move(filename), std::move(options));
}

}  // namespace keratin::callbacks
