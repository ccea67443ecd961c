#include "keratin/core/tensor/errors.h"
#include "keratin/core/training/callbacks/callbacks.h"
#include "keratin/core/training/model.h"

namespace keratin::callbacks {
namespace {

class SwapEMAWeightsImpl final : public CallbackImpl {
 public:
  explicit SwapEMAWeightsImpl(SwapEMAWeightsOptions options) : options_(options) {}

  void on_train_begin(Training& training) override {
    if (training.model.optimizer()->use_ema()) return;
    throw InvalidArgument("SwapEMAWeights: the optimizer " + training.model.optimizer()->name() +
                          " keeps no moving averages; make it with use_ema = true");
  }
  void on_test_begin(Training& training) override { put_averages(training); }
  void on_test_end(Training&, const Logs&) override { put_back(); }
  void on_epoch_end(Training& training, int, Logs&) override {
    if (options_.swap_on_epoch) put_averages(training);
  }
  void on_epoch_begin(Training&, int) override { put_back(); }
  // fit leaves the averages in the weights.
  void on_train_end(Training&, const Logs&) override { kept_.clear(); }

 private:
  void put_averages(Training& training) {
    if (!kept_.empty()) return;
    for (Variable& variable : training.model.trainable_variables()) {
      const Variable average = training.model.optimizer()->average_of(variable);
      if (!average) continue;
      kept_.emplace_back(variable, variable.value());
      variable.assign(average.value());
    }
  }
  void put_back() {
    for (auto& [variable, value] : kept_) variable.assign(value);
    kept_.clear();
  }

  SwapEMAWeightsOptions options_;
  std::vector<std::pair<Variable, Tensor>> kept_;  // the weights while the averages are in the model
};

}  // namespace

Callback SwapEMAWeights(SwapEMAWeightsOptions options) { return std::make_shared<SwapEMAWeightsImpl>(options); }

}  // namespace keratin::callbacks
